import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { endLeftover, prefix } from "./leftover.ts";

/** How a command ended. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const project = join(import.meta.dirname, "../..");

/** A copy of the project, with files that a test may change. */
export class Copy {
  readonly directory = mkdtempSync(prefix);

  /** Of what is run in it. */
  readonly environment: NodeJS.ProcessEnv;

  /** @param environment in place of our own, or besides it */
  constructor(environment: NodeJS.ProcessEnv) {
    this.environment = { ...process.env, ...environment };
    const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: project });
    const copied = spawnSync("sh", ["-ec", 'tar -c --null --ignore-failed-read --files-from=- | tar -x -C "$1"; cp -al node_modules "$1"/ 2>/dev/null || cp -a node_modules "$1"/', "sh", this.directory], {
      cwd: project,
      input: listed.stdout,
      encoding: "utf8",
    });
    if (listed.status !== 0 || copied.status !== 0) throw new Error(`cannot copy the project: ${copied.stderr}`);
  }

  /** Changes a file of the copy. @throws Error when nothing changes */
  edit(path: string, change: (content: string) => string): void {
    const file = join(this.directory, path);
    const before = readFileSync(file, "utf8");
    const after = change(before);
    if (after === before) throw new Error(`${path} is as it was`);
    rmSync(file); // it may be a hard link
    writeFileSync(file, after);
  }

  /** Runs `./peak` in the copy; its progress goes to the test's own output. */
  async peak(...words: string[]): Promise<Ended> {
    const ended = await this.start(...words).ended;
    if (ended.code !== 0) process.stderr.write(`./peak ${words.join(" ")}: ${ended.code}\n${ended.stdout.slice(-4000)}${ended.stderr.slice(-4000)}\n`);
    return ended;
  }

  /** Starts `./peak` in the copy, as the leader of a process group. */
  start(...words: string[]) {
    const child = spawn("./peak", words, { cwd: this.directory, env: this.environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const closed = new Promise<number | null>((resolve, reject) => child.once("close", resolve).once("error", reject));
    const ended: Promise<Ended> = Promise.all([closed, text(child.stdout), text(child.stderr)]).then(([code, stdout, stderr]) => ({ code, stdout, stderr }));
    return { child, ended };
  }

  /** As `peak`, but gives what was printed. @throws Error unless it exits with 0 */
  async output(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.peak(...words);
    if (code !== 0) throw new Error(`./peak ${words.join(" ")} exited with ${code}: ${stderr || stdout}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/**
 * A copy with a local stack of its own: other names on this host and other prefixes, so that it can be up beside the user's. What a killed
 * run has left of that is taken down first.
 */
export class Clone extends Copy {
  /**
   * @param name of what it has on this host
   * @param group of its prefixes, hexadecimal
   */
  constructor(name = "peake2e", group = "e2e") {
    endLeftover(name);
    super({ PEAK_LOCAL_NAME: name });
    this.edit("Pulumi.local.yaml", (content) => content.replaceAll("fd7e:ea4c:0:1::", `fd7e:ea4c:0:${group}::`).replaceAll("2001:db8:7ea:c::", `2001:db8:${group}:c::`));
  }

  /** What of this stack is on the host: processes, namespaces, links, routes, mounts, cgroups, directories. */
  leftovers(): Record<string, unknown[]> {
    const listed = spawnSync("node", ["programs/virtual/main.ts", "list"], { cwd: this.directory, env: this.environment, encoding: "utf8" });
    if (listed.status !== 0) throw new Error(listed.stderr);
    return JSON.parse(listed.stdout) as Record<string, unknown[]>;
  }

  /** Takes down whatever is there, and removes the copy. @throws Error when something stays */
  override async [Symbol.asyncDispose](): Promise<void> {
    const { code } = await this.peak("destroy");
    await super[Symbol.asyncDispose]();
    if (code !== 0) throw new Error(`./peak destroy ended with ${code}: PEAK_LOCAL_NAME=${this.environment.PEAK_LOCAL_NAME} ./peak destroy tries again`);
  }
}
