import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { ask, eventually } from "../testing/client.ts";
import { FrameReader } from "../transport/frame.ts";
import { Opcode } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { foldName, formatName, parseName, type Name } from "../wire/name.ts";
import { Registration } from "./registration.ts";
import type { RegistrationSettings } from "./settings.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const zone = foldName(parseName("peak"));
const below = (...names: string[]): Name[] => names.map((name) => foldName(parseName(name, zone)));
const secretOf = (name: string): Buffer => Buffer.alloc(32, name);

/** A root with names of its own, and two clusters. */
async function startRoot(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "peakdns-registration-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const config = {
    role: "root",
    listen: ["[::1]:0"],
    udp: "plain",
    zone: "peak",
    records: "$TTL 60\n@ SOA ns1 hostmaster 1 60 10 604800 5\n@ NS ns1\nns1 AAAA ::1\nwww AAAA fd00::80\nalias CNAME www\n",
    keys: ["c1", "c2"].map((name) => ({ name, secret: secretOf(name).toString("base64") })),
    updates: { journal: "journal", grants: ["c1", "c2"].map((name) => ({ key: name, delegateTo: [`ns.${name}.peak`] })) },
  };
  const server = await startServer(parseConfig(JSON.stringify(config), join(folder, "root.yaml")));
  cleanups.push(() => server.close());
  return server;
}

interface Registered {
  readonly registration: Registration;
  readonly refused: Set<string>;
  /** Name servers of each domain, as the parent says. */
  readonly delegated: Map<string, string>;
}

function register(root: Server, cluster: string, more: Partial<RegistrationSettings> = {}): Registered {
  const refused = new Set<string>();
  const delegated = new Map<string, string>();
  const registration = new Registration(
    {
      zone,
      servers: [root.endpoints[0]!],
      key: { name: parseName(`${cluster}.`), algorithm: "hmac-sha256", secret: secretOf(cluster) },
      lease: 10,
      nameServers: [{ name: parseName(`ns.${cluster}.peak.`), addresses: ["::1"] }],
      ttl: 60,
      ...more,
    },
    {
      delegated: (domain, servers) =>
        delegated.set(
          formatName(domain),
          servers
            .map(({ name }) => formatName(name))
            .sort()
            .join(),
        ),
      refused: (domain) => refused.add(formatName(domain)),
    },
  );
  cleanups.push(() => registration.stop());
  return { registration, refused, delegated };
}

const referralOf = async (root: Server, name: string): Promise<string> =>
  ((await ask(root.endpoints[0]!, name, "AAAA")).authorities ?? []).flatMap((record) => (record.type === "NS" ? [record.data] : [])).join();
const settles = (root: Server, name: string, expected: string): Promise<string> =>
  eventually(
    () => referralOf(root, name),
    (found) => found === expected,
    800,
  );

test("what the parent does not take leaves the other domains alone", async () => {
  const root = await startRoot();
  // all is found out at once, not at the next renewal; also that some names are not there
  const { registration, refused } = register(root, "c1", { lease: 3600 });
  const names = Array.from({ length: 220 }, (_, i) => `d${i}`);
  registration.set(below(...names.slice(0, 210), "www", "ns1", "alias", ...names.slice(210), "ns.c2"));
  await settles(root, "d219.peak", "ns.c1.peak");
  await eventually(
    () => [...refused].sort().join(),
    (found) => found === "alias.peak.,ns.c2.peak.,ns1.peak.,www.peak.",
    800,
  );
  expect(await Promise.all(["www.peak", "ns1.peak", "d0.peak", "d210.peak"].map((name) => referralOf(root, name)))).toEqual([
    "",
    "",
    "ns.c1.peak",
    "ns.c1.peak",
  ]);
  expect(registration.states()).toMatchObject([{ refused: 4 }]);
  // what is refused no longer holds up what is new
  registration.set(below("d0", "www", "new"));
  await settles(root, "new.peak", "ns.c1.peak");
  await settles(root, "d1.peak", "");
  await eventually(
    () => registration.states()[0]!.refused,
    (count) => count === 1,
  );
});

test("a key that may delegate nothing is told as such, again and again", async () => {
  const root = await startRoot();
  const { registration } = register(root, "c1", { nameServers: [{ name: parseName("ns.c2.peak."), addresses: ["::1"] }] });
  registration.set(below("shop"));
  await eventually(
    () => registration.states()[0]!.refused,
    (count) => count === 1,
  );
  expect(registration.states()).toMatchObject([{ seconds: undefined }]);
  expect(await referralOf(root, "shop.peak")).toBe("");
});

test("reads back who else serves a domain", async () => {
  const root = await startRoot();
  const [first, second] = [register(root, "c1"), register(root, "c2")];
  first.registration.set(below("shop"));
  await settles(root, "shop.peak", "ns.c1.peak");
  second.registration.set(below("shop"));
  await eventually(
    () => second.delegated.get("shop.peak."),
    (found) => found === "ns.c1.peak.,ns.c2.peak.",
  );
  await second.registration.withdraw();
  expect(await referralOf(root, "shop.peak")).toBe("ns.c1.peak");
});

/** Stands between a cluster and the root, and counts what passes. */
async function startCounter(root: Server): Promise<{ endpoint: Endpoint; connections: () => number; updates: () => number[] }> {
  let connections = 0;
  const updates: number[] = [];
  const open = new Set<Socket>();
  const counter = createServer((socket) => {
    connections++;
    const { address, port } = root.endpoints[0]!;
    const onward = connect({ host: address, port });
    const reader = new FrameReader();
    socket.on("data", (chunk) => {
      for (const message of reader.push(chunk as Buffer)) if (message[2]! >> 3 === Opcode.UPDATE) updates.push(message.readUInt16BE(8));
    });
    for (const end of [socket, onward]) open.add(end.on("error", () => end.destroy()));
    socket.pipe(onward).pipe(socket);
  }).listen(0, "::1");
  await once(counter, "listening");
  cleanups.push(() => {
    counter.close();
    for (const socket of open) socket.destroy();
  });
  const { address, port } = counter.address() as AddressInfo;
  return { endpoint: { address, port }, connections: () => connections, updates: () => updates };
}

test("ten thousand domains go over one connection, and then only what has changed", { timeout: 120_000 }, async () => {
  const root = await startRoot();
  const counter = await startCounter(root);
  const { registration, refused } = register(root, "c1", { servers: [counter.endpoint], lease: 3600 });
  const names = Array.from({ length: 10_000 }, (_, i) => `d${i}`);
  // one that the root refuses is among them
  registration.set(below(...names.slice(0, 5000), "www", ...names.slice(5000)));
  await eventually(
    () => registration.states()[0]!,
    ({ seconds, refused: count }) => seconds !== undefined && count === 1,
    2000,
  );
  for (const name of ["d0", "d4999", "d5000", "d9999"]) expect(await referralOf(root, `${name}.peak`)).toBe("ns.c1.peak");
  // 200 in a message, and some more to find the one that is refused
  const first = counter.updates().length;
  expect(first).toBeLessThan(10_000 / 200 + 20);
  registration.set(below(...names.slice(1), "new"));
  await settles(root, "new.peak", "ns.c1.peak");
  await settles(root, "d0.peak", "");
  // also while it still reads who else serves the others; one message: the name that went, the one that came, and the address of the name server
  expect(counter.updates().slice(first)).toEqual([3]);
  expect(counter.connections()).toBe(1);
  expect([...refused].filter((name) => name !== "www.peak.")).toEqual([]);
});

test("a renewal tells all again before the lease ends", { timeout: 60_000 }, async () => {
  const root = await startRoot();
  const counter = await startCounter(root);
  const { registration } = register(root, "c1", { servers: [counter.endpoint], lease: 10 });
  registration.set(below("shop", "web"));
  await eventually(
    () => counter.updates().length,
    (count) => count >= 3,
    1200,
  );
  expect(counter.updates()).toEqual(counter.updates().map(() => 3));
  expect(await referralOf(root, "shop.peak")).toBe("ns.c1.peak");
});
