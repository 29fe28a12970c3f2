import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planAddresses } from "../../addressing/delegation.ts";
import type { InventoryHost, Role } from "../../hardware/inventory.ts";
import type { PiSpec } from "../../programs/virtual/spec.ts";
import { hostArch } from "../../toolchain/products.ts";
import { snapshotScript } from "../host-snapshot.ts";
import type { Ended } from "./clone.ts";
import { endLeftover } from "./leftover.ts";
import { Stack } from "./stack.ts";
import { eventually } from "./wait.ts";

const prefix = "fd7e:ea4c:0:b0a4";
const plan = planAddresses(`${prefix}::/64`);
const stackName = "pi-testbed";
const localName = "peakboards";

/** A key pair as OpenSSH has it. */
interface KeyPair {
  privateKeyOpenssh: string;
  publicKeyOpenssh: string;
}

/**
 * The stack pi-testbed on virtual Pis that the test itself starts: to the stack they are boards, which it reaches by SSH and nothing else,
 * and which outlive it.
 */
export class Boards extends Stack {
  override readonly environment = {
    ...process.env,
    PEAK_LOCAL_NAME: localName,
    PULUMI_BACKEND_URL: `file://${this.directory}/backend`,
    PULUMI_CONFIG_PASSPHRASE: "boards",
  };
  #hosts: InventoryHost[] = [];
  /** By the names of resources. */
  #keys = new Map<string, KeyPair>();

  constructor(hosts: InventoryHost[]) {
    endLeftover(localName);
    super();
    mkdirSync(join(this.directory, "backend"));
    this.edit(`Pulumi.${stackName}.yaml`, (content) =>
      content.replace(/(peak:ulaPrefix:).*/, `$1 ${prefix}::/64`).replace(/(peak:echoReplicas:).*/, "$1 4"));
    this.describe(hosts);
  }

  /** Writes the inventory. */
  describe(hosts: InventoryHost[]): void {
    this.#hosts = hosts;
    const lines = hosts.map(({ name, number, role }) => `  - { name: ${name}, number: ${number}, role: ${role} }\n`);
    this.edit(`hardware/inventory.${stackName}.yaml`, () => `kind: board\narch: ${hostArch}\nhosts:\n${lines.join("")}`);
  }

  /** The same inventory with other roles for some of its hosts. */
  assign(roles: Record<string, Role>): void {
    this.describe(this.#hosts.map((host) => ({ ...host, role: roles[host.name] ?? host.role })));
  }

  override start(...words: string[]) {
    return super.start("--stack", stackName, ...words);
  }

  /** `./peak up`, without its question. */
  up(): Promise<Ended> {
    return this.peak("up", "--yes");
  }

  destroy(): Promise<Ended> {
    return this.peak("destroy", "--yes");
  }

  /** Reads from the state what goes onto the boards' media: the keys that an `up` has made, while no board was there. */
  async takeKeys(): Promise<void> {
    const exported = JSON.parse(await this.output("pulumi", "stack", "export", "--show-secrets")) as {
      deployment: { resources: { urn: string; type: string; outputs: unknown }[] };
    };
    for (const { urn, type, outputs } of exported.deployment.resources) {
      if (type === "tls:index/privateKey:PrivateKey") this.#keys.set(urn.split("::").at(-1)!, plain(outputs) as KeyPair);
    }
    writeFileSync(join(this.directory, "operator"), this.#key("machines-operator-key").privateKeyOpenssh, { mode: 0o600 });
  }

  /** The switch that all boards are plugged into. */
  plugIn(): void {
    this.#verb("host-packages");
    this.#verb("rootfs");
    this.#verb("network up", { prefixes: [plan.ula], router: [plan.router.ula], host: plan.operator, routes: [] });
  }

  switchOn(name: string): void {
    const { privateKeyOpenssh, publicKeyOpenssh } = this.#key(`${name}-host-key`);
    const spec: PiSpec = {
      name,
      addresses: [this.#address(name)],
      gateway: plan.router.ula,
      authorizedKeys: [this.#key("machines-operator-key").publicKeyOpenssh.trim()],
      hostKeys: [{ private: privateKeyOpenssh, public: publicKeyOpenssh.trim() }],
    };
    this.#verb("pi up", spec);
  }

  /** Pulls a board's plug. */
  async switchOff(name: string): Promise<void> {
    const process = this.killNode(name);
    await eventually(`${name} is off`, 30, async () => !existsSync(`/proc/${process}`) || undefined);
  }

  /** Gives a board another disk, with what it has been flashed with. */
  flash(name: string): void {
    this.#verb("pi down", { name });
    this.switchOn(name);
  }

  /** Runs a script on a board as root. @throws Error unless it succeeds */
  on(name: string, script: string): string {
    const settings = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
    const args = ["-F", "none", "-i", join(this.directory, "operator"), ...settings.flatMap((setting) => ["-o", setting])];
    const options = { input: script, encoding: "utf8", maxBuffer: Infinity } as const;
    const { status, stdout, stderr } = spawnSync("ssh", [...args, `root@${this.#address(name)}`, "sh -s"], options);
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
    return stdout;
  }

  /** What there is on each board. */
  snapshots(): Map<string, string> {
    return new Map(this.#hosts.map(({ name }) => [name, this.on(name, snapshotScript)]));
  }

  /** What a client's resolver answers for the name, sorted. */
  override async resolve(): Promise<string[]> {
    return (await this.onClient("dig", "+short", "+tries=2", "+time=5", "echo.peak.", "AAAA")).split("\n").filter(Boolean).sort();
  }

  /** Waits until all nodes are ready, and the name leads to the pods of echo. */
  override async settled(): Promise<void> {
    await this.namedPods(4);
  }

  /** All that is on this machine goes, whatever state it is in. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.#verb("sweep");
    rmSync(this.directory, { recursive: true, force: true });
  }

  #address(name: string): string {
    return plan.node(this.#hosts.find((host) => host.name === name)!.number).ula.address;
  }

  #key(name: string): KeyPair {
    const key = this.#keys.get(name);
    if (!key) throw new Error(`the state has no key ${name}; it has ${[...this.#keys.keys()].join(", ")}`);
    return key;
  }

  #verb(words: string, spec: object = {}): void {
    const options = { cwd: this.directory, env: this.environment, input: JSON.stringify(spec), encoding: "utf8" } as const;
    const { status, stderr } = spawnSync(process.execPath, ["programs/virtual/main.ts", ...words.split(" ")], options);
    if (status !== 0) throw new Error(`${words}: ${stderr}`);
  }
}

/** A value of an export with plain secrets, without the marks of these: `{ SIGNATURE: ..., plaintext: JSON }`. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("plaintext" in value) return JSON.parse(value.plaintext as string);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
