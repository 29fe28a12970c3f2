import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A virtual Pi of a test's own, beside whatever else runs on this machine: it stands in for a board. */
export class Machine {
  readonly address: string;
  readonly #scratch = mkdtempSync(join(tmpdir(), "peak-machine-"));
  readonly #env: NodeJS.ProcessEnv;
  readonly #prefix: string;

  /**
   * @param name of its layout, see programs/virtual/layout.ts
   * @param prefix the first four groups of its addresses
   */
  constructor(name: string, prefix: string) {
    this.#env = { ...process.env, PEAK_LOCAL_NAME: name };
    this.#prefix = prefix;
    this.address = `${prefix}:1::1`;
    for (const key of ["operator", "host"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(this.#scratch, key)]);
    writeFileSync(join(this.#scratch, "known_hosts"), `${this.address} ${this.key("host.pub")}`);
    this.#verb("sweep");
    this.#verb("host-packages");
    this.#verb("rootfs");
    this.#verb("network up", { prefixes: [`${prefix}::/64`], router: [`${prefix}:ffff::1`], host: `${prefix}:fffe::1`, routes: [] });
    this.switchOn();
  }

  /** Text of a key: `operator` or `host`, or the same with `.pub`. */
  key(file: string): string {
    return readFileSync(join(this.#scratch, file), "utf8");
  }

  switchOn(): void {
    const hostKey = { private: this.key("host"), public: this.key("host.pub").trim() };
    this.#verb("pi up", { name: "pi1", addresses: [this.address], gateway: `${this.#prefix}:ffff::1`, authorizedKeys: [this.key("operator.pub").trim()], hostKeys: [hostKey] });
  }

  /** With its disk. */
  takeAway(): void {
    this.#verb("pi down", { name: "pi1" });
  }

  /** Runs a script on it as root. */
  ssh(script: string): { status: number | null; stdout: string; stderr: string } {
    const options = ["BatchMode=yes", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${this.#scratch}/known_hosts`, "LogLevel=ERROR"];
    const args = ["-F", "none", "-i", `${this.#scratch}/operator`, ...options.flatMap((option) => ["-o", option]), `root@${this.address}`, "sh -s"];
    return spawnSync("ssh", args, { input: script, encoding: "utf8", maxBuffer: Infinity });
  }

  [Symbol.dispose](): void {
    this.#verb("sweep");
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #verb(words: string, spec: object = {}): void {
    execFileSync(process.execPath, ["programs/virtual/main.ts", ...words.split(" ")], { env: this.#env, input: JSON.stringify(spec) });
  }
}
