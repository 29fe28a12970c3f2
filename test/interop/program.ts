import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A program that a test has started. */
export class Program {
  /** What it has printed so far, on both streams. */
  output = "";
  private readonly child: ChildProcess;
  private readonly closed: Promise<void>;

  constructor(command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [file, ...args] = command;
    this.child = spawn(file!, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    const keep = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.child.stdout?.on("data", keep);
    this.child.stderr?.on("data", keep);
    this.closed = new Promise((resolve) => this.child.once("error", (error) => keep(Buffer.from(String(error)))).once("close", () => resolve()));
  }

  /** Waits until it has printed what matches. @throws Error with all that it printed when it ends first, or is silent for 20 s */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (let tries = 0; tries < 800; tries++) {
      const match = pattern.exec(this.output);
      if (match) return match;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${this.child.spawnargs.join(" ")} has not printed ${String(pattern)}:\n${this.output}`);
  }

  hup(): void {
    this.child.kill("SIGHUP");
  }

  /** Ends it, and waits for that. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    await this.closed;
    clearTimeout(killer);
  }
}

/** A folder for a test's files, removed when the test's file ends. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "peak-interop-"));

  write(name: string, content: string | readonly string[]): string {
    const file = join(this.path, name);
    writeFileSync(file, typeof content === "string" ? content : `${content.join("\n")}\n`);
    return file;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const main = join(import.meta.dirname, "../../dns-server/main.ts");

/** Starts PeakDNS with a configuration, written into `folder` as `name`.yaml, and waits until it serves. */
export async function startPeakDns(folder: Folder, name: string, config: object): Promise<Program> {
  const program = new Program([process.execPath, main, "serve", "--config", folder.write(`${name}.yaml`, JSON.stringify(config))]);
  await program.printed(/"serving"/);
  return program;
}
