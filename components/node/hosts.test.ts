import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test } from "vitest";
import { planAddresses } from "../../addressing/delegation.ts";
import { Board } from "./board.ts";
import { ClientEmulator } from "./client-emulator.ts";
import type { Host } from "./host.ts";
import { operatorKeys } from "./ssh-key.ts";
import { VirtualNetwork } from "./virtual-network.ts";
import { VirtualPi } from "./virtual-pi.ts";
import { clientSpec, networkSpec, piSpec } from "../../programs/virtual/spec.ts";

const C = "fd7e:ea4c:0:1";
const G = "2001:db8:7ea:c";
const plan = planAddresses(`${C}::/64`, `${G}::/64`);
const commands = new Map<string, Record<string, unknown>>();

/** A key, for which its name stands. */
const keyOf = (name: string) => ({ private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${name}\n`, public: `ssh-ed25519 ${name}` });

const valueOf = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => void output.apply(resolve));

let virtual: VirtualPi;
let board: Board;
beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource({ type, name, inputs }) {
      if (type.startsWith("peak:node:")) return { id: name, state: inputs };
      if (type === "tls:index/privateKey:PrivateKey") {
        return { id: name, state: { ...inputs, privateKeyOpenssh: keyOf(name).private, publicKeyOpenssh: `${keyOf(name).public}\n` } };
      }
      if (type !== "command:local:Command") throw new Error(`unexpected resource ${type}`);
      commands.set(name, inputs);
      return { id: name, state: { ...inputs, stdout: "{}" } };
    },
    call({ token, inputs }) {
      if (token === "command:local:run" && inputs["command"] === "node programs/hosts/main.ts look") return { ...inputs, stdout: '{"incarnation":"flashed once"}' };
      throw new Error(`unexpected call of ${token}`);
    },
  });
  const keys = { operatorKeys: operatorKeys("operator", [1], {}), generations: [1] } as const;
  const network = new VirtualNetwork("network", { plan, nodes: [1, 2] });
  virtual = new VirtualPi("pi", { machine: { name: "pi99", number: 2, role: "service" }, network, ...keys });
  board = new Board("board", { machine: { name: "board1", number: 3, role: "steering" }, plan, ...keys, arch: "arm64", silent: undefined });
  new Board("silent", { machine: { name: "board2", number: 4, role: "service" }, plan, ...keys, arch: "arm64", silent: "no answer" });
  new ClientEmulator("client", { machine: { name: "client99", number: 101 }, network, zone: "peak.", servers: [{ name: "pi1.ns.peak.", address: `${G}:1::1` }] });
  await pulumi.runtime.disconnect();
});

const isSecret = (input: unknown): input is { value: string } => pulumi.runtime.isRpcSecret(input);
const specOf = (name: string): unknown => {
  const { stdin } = commands.get(name)!;
  return JSON.parse(isSecret(stdin) ? stdin.value : (stdin as string));
};
const node = (number: number) => ({ via: `${C}:${number}::1`, prefixes: [`${G}:${number}::/80`, `${C}:${number}::/80`] });
const router = `${C}:ffff::1`;

test("the commands are these, and no others", () => {
  expect([...commands.keys()].sort()).toEqual([
    "board", "board-keys", "client", "network", "network-packages", "network-rootfs", "pi", "pi-keys", "silent", "silent-keys",
  ]);
});

describe("each virtual host's command gets the spec that its script takes", () => {
  test("network", () => expect(networkSpec.parse(specOf("network"))).toEqual({
    prefixes: [`${C}::/64`, `${G}::/64`],
    router: [router, `${G}:ffff::1`],
    host: `${C}:fffe::1`,
    routes: [node(1), node(2)],
  }));

  test("virtual Pi", () => expect(piSpec.parse(specOf("pi"))).toEqual({
    name: "pi99",
    addresses: [`${C}:2::1`, `${G}:2::1`],
    gateway: router,
    authorizedKeys: [keyOf("operator").public],
    hostKeys: [keyOf("pi-host-key")],
  }));

  test("client emulator", () => expect(clientSpec.parse(specOf("client"))).toEqual({
    name: "client99",
    addresses: [`${C}:65::1`, `${G}:65::1`],
    gateway: router,
    routes: [node(1), node(2)],
    resolver: expect.stringContaining(`name: "peak."\n  stub-addr: ${G}:1::1\n`) as string,
  }));

  test("as a secret where there is a key in it", () => expect(isSecret(commands.get("pi")!["stdin"])).toBe(true));

  test("and names the start and the disk to come, so that a dead or a lost one is a difference", () => {
    for (const name of ["pi", "client"]) expect(commands.get(name)!["environment"]).toMatchObject({ PEAK_START: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(commands.get("pi")!["environment"]).toMatchObject({ PEAK_MACHINE_ID: virtual.incarnation });
  });
});

describe("a virtual Pi and a board are hosts of one kind", () => {
  const cases: [string, () => Host, string, number][] = [["virtual Pi", () => virtual, "pi", 2], ["board", () => board, "board", 3]];
  test.each(cases)("%s", async (_, host, name, number) => {
    expect(host()).toMatchObject({ number, ula: `${C}:${number}::1`, global: `${G}:${number}::1` });
    expect(await valueOf(host().connection)).toEqual({
      host: `${C}:${number}::1`,
      user: "root",
      privateKey: keyOf("operator").private,
      hostKey: keyOf(`${name}-host-key`).public,
    });
    expect(await pulumi.isSecret(host().connection)).toBe(true);
  });

  test("a board is taken as it was found; one that does not answer is not looked at, and says why", () => {
    expect(specOf("board")).toMatchObject({ name: "board1", arch: "arm64", incarnation: "flashed once" });
    expect(specOf("silent")).toMatchObject({ name: "board2", incarnation: "", silent: "no answer" });
    expect(isSecret(commands.get("board")!["stdin"])).toBe(true);
  });

  test("only the virtual one ends with the stack", () => {
    expect(virtual.lifetime).toBe(virtual.resource);
    expect(board.lifetime).toBeUndefined();
  });
});
