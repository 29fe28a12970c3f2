import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Tally } from "./emulate-client.ts";

/** A steady stream of questions for a name, and of requests to what it leads to, from a client emulator. */
export class Traffic implements AsyncDisposable {
  readonly #what: string;
  readonly #child;
  readonly #tally: Promise<Tally>;

  /**
   * @param what it goes on during, for the printed figures
   * @param namespace of the client
   * @param servers addresses of the cluster's DNS servers
   */
  constructor(what: string, namespace: string, name: string, servers: readonly string[]) {
    this.#what = what;
    const program = join(import.meta.dirname, "emulate-client.ts");
    this.#child = spawn("ip", ["netns", "exec", namespace, process.execPath, program, name, ...servers], { stdio: ["pipe", "pipe", "inherit"] });
    this.#tally = text(this.#child.stdout).then((output) => JSON.parse(output) as Tally);
  }

  /** Ends it, at once where a test has failed before `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#tally.catch(() => {});
  }

  /** Ends it after what is under way, prints its figures and returns them. */
  async stop(): Promise<Tally> {
    this.#child.stdin.end();
    const tally = await this.#tally;
    const { resolved, direct, requests } = tally;
    console.log(
      `${this.#what}: ${resolved.failed} of ${resolved.asked} questions to the resolver failed (slowest ${resolved.slowestMs} ms), ` +
        `${direct.failed} of ${direct.asked} to the servers; of ${requests.sent} requests ${requests.first} failed at the first address (the last after ${requests.firstUntil} s), ` +
        `${requests.failed} at all${tally.faults.length > 0 ? `\n  ${tally.faults.join("\n  ")}` : ""}`,
    );
    return tally;
  }
}
