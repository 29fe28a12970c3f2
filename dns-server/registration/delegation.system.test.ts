import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DecodedPacket } from "dns-packet";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ask, eventually, freePort } from "../testing/client.ts";
import { serveCommand } from "../testing/command.ts";
import { FakeApiServer, fakePod } from "../testing/fake-api-server.ts";
import type { Endpoint } from "../wire/endpoint.ts";

/** Two root servers and two clusters that serve the same name, each a process that may die. */

const key = (name: string): object => ({ name, secret: Buffer.alloc(32, name).toString("base64") });
const LEASE = 10;
const PATIENCE_MS = 2 * LEASE * 1000;

let folder: string;
let api: FakeApiServer;
const running = new Set<ChildProcess>();
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "peak-delegation-"));
  api = new FakeApiServer();
  await api.start();
  writeFileSync(join(folder, "kubeconfig"), api.kubeconfig());
});
afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  await api.stop();
  rmSync(folder, { recursive: true });
});

interface Process {
  readonly endpoint: Endpoint;
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

async function serve(name: string, config: object): Promise<Process> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify({ listen: ["[::1]:0"], ...config }));
  const { process: child, endpoint } = await serveCommand(["--config", file], (started) => running.add(started));
  return {
    endpoint,
    end: async (signal) => {
      running.delete(child);
      child.kill(signal);
      await once(child, "exit");
    },
  };
}

const nameServersIn = ({ answers = [], authorities = [] }: DecodedPacket): string =>
  [...answers, ...authorities]
    .flatMap((record) => (record.type === "NS" ? [String(record.data)] : []))
    .sort()
    .join();
/** Waits until a server names these name servers of `web.peak`. */
const settles = ({ endpoint }: Process, expected: string): Promise<string> =>
  eventually(
    async () => nameServersIn(await ask(endpoint, "web.peak", "NS")),
    (found) => found === expected,
    PATIENCE_MS / 25,
  );

const both = "ns.c1.peak,ns.c2.peak";

test("the delegation is the same at both root servers and in the zones of the clusters, and follows them", { timeout: 90_000 }, async () => {
  api.apply(fakePod("a", { domain: "web", addresses: ["fd00::a"] }));
  const primaryPort = await freePort();
  const secondaryPort = await freePort();
  const startPrimary = (): Promise<Process> =>
    serve("primary", {
      role: "root",
      listen: [`[::1]:${primaryPort}`],
      zone: "peak",
      records: "$TTL 60\n@ SOA ns1 hostmaster 1 60 10 604800 5\n@ NS ns1\n@ NS ns2\nns1 AAAA ::1\nns2 AAAA ::1\n",
      keys: [key("c1"), key("c2"), key("transfer")],
      updates: {
        journal: join(folder, "journal"),
        grants: ["c1", "c2"].map((name) => ({ key: name, delegateTo: [`ns.${name}.peak`] })),
      },
      transfer: { keys: ["transfer"], notify: [{ server: `[::1]:${secondaryPort}`, key: "transfer" }] },
    });
  const startCluster = (name: string): Promise<Process> =>
    serve(name, {
      role: "cluster",
      zone: "peak",
      kubernetes: { kubeconfig: join(folder, "kubeconfig") },
      nameServers: [{ name: `ns.${name}.peak`, addresses: ["::1"] }],
      register: { servers: [`[::1]:${primaryPort}`], key: key(name), lease: LEASE },
    });
  let primary = await startPrimary();
  const secondary = await serve("secondary", {
    role: "secondary",
    listen: [`[::1]:${secondaryPort}`],
    zones: [{ origin: "peak", primaries: [`[::1]:${primaryPort}`], key: "transfer" }],
    keys: [key("transfer")],
  });
  const roots = (expected: string): Promise<string[]> => Promise.all([primary, secondary].map((root) => settles(root, expected)));

  const first = await startCluster("c1");
  await roots("ns.c1.peak");
  let second = await startCluster("c2");
  await roots(both);
  // a resolver that has asked one cluster for the zone's servers knows the other one too
  await Promise.all([first, second].map((cluster) => settles(cluster, both)));

  // dead: its lease ends
  await second.end("SIGKILL");
  await roots("ns.c1.peak");
  await settles(first, "ns.c1.peak");

  second = await startCluster("c2");
  await roots(both);
  // the primary dies and comes back with what it had
  await primary.end("SIGKILL");
  expect(nameServersIn(await ask(secondary.endpoint, "web.peak", "NS"))).toBe(both);
  primary = await startPrimary();
  expect(nameServersIn(await ask(primary.endpoint, "web.peak", "NS"))).toBe(both);

  // ended: withdrawn at once
  await second.end("SIGTERM");
  await roots("ns.c1.peak");
  await first.end("SIGTERM");
  await roots("");
});
