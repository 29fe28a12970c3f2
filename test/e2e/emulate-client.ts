/**
 * A client, run in the namespace of a client emulator: `node emulate-client.ts NAME SERVER...`. Until its standard input ends it asks for the
 * name and fetches `http://NAME/`, about twenty times a second each; then it prints what became of that as JSON (`Tally`).
 */
import { Resolver } from "node:dns/promises";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What became of the questions of one kind. */
interface Asked {
  asked: number;
  failed: number;
  slowestMs: number;
}

export interface Tally {
  /** Through the client's resolver. */
  resolved: Asked;
  /** To the cluster's servers themselves: one, and when it says nothing the next, twice, as a resolver does. */
  direct: Asked;
  /** Requests: `first` failed at the first address of the answer, the last of them `firstUntil` seconds after the start; `failed` at all of them. */
  requests: { sent: number; first: number; firstUntil: number; failed: number };
  /** The first faults of each kind, for people. */
  faults: string[];
}

const PAUSE_MS = 50;
/** What a client waits for a connection before it tries the next address. */
const CONNECT_MS = 1000;

/** What a resolver waits for a server before it asks the next. */
const SERVER_MS = 400;

const [name = "", ...servers] = process.argv.slice(2);
const tally: Tally = {
  resolved: { asked: 0, failed: 0, slowestMs: 0 },
  direct: { asked: 0, failed: 0, slowestMs: 0 },
  requests: { sent: 0, first: 0, firstUntil: 0, failed: 0 },
  faults: [],
};
const started = Date.now();
const sinceStart = (): number => (Date.now() - started) / 1000;
const fault = (what: string, error: unknown): void => {
  const already = tally.faults.filter((text) => text.includes(`: ${what}: `)).length;
  if (already < 10) tally.faults.push(`${sinceStart().toFixed(1)} s: ${what}: ${(error as Error).message}`);
};

let stop = false;
process.stdin.resume().once("end", () => (stop = true));

// c-ares takes five times the usual latency for its first patience, 250 ms here, and doubles it: five tries are the ten seconds of a C library
const resolver = new Resolver({ timeout: 5000, tries: 5 });
const direct = servers.map((server) => {
  const one = new Resolver({ timeout: SERVER_MS, tries: 1 });
  one.setServers([`[${server}]`]);
  return one;
});

async function count(kind: Asked, what: string, ask: () => Promise<string[]>): Promise<string[]> {
  kind.asked++;
  const begun = performance.now();
  try {
    return await ask();
  } catch (error) {
    kind.failed++;
    fault(what, error);
    return [];
  } finally {
    kind.slowestMs = Math.max(kind.slowestMs, Math.round(performance.now() - begun));
  }
}

/** Asks one after another, beginning with number `turn`, until one answers. */
async function anyServer(turn: number): Promise<string[]> {
  let last: unknown;
  for (let i = 0; i < 2 * direct.length; i++) {
    try {
      return await direct[(turn + i) % direct.length]!.resolve6(name);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

async function fetchFrom(address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = request({ host: address, path: "/", headers: { host: name }, agent: false }, (response) => {
    response.resume();
    response.once("error", reject).once("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`))));
  });
  const timer = setTimeout(() => asked.destroy(new Error("no answer")), CONNECT_MS);
  asked.once("error", reject).end();
  await promise.finally(() => clearTimeout(timer));
}

async function fetchByName(): Promise<void> {
  const addresses = await count(tally.resolved, "resolver", () => resolver.resolve6(name));
  if (addresses.length === 0) return;
  tally.requests.sent++;
  for (const [index, address] of addresses.entries()) {
    try {
      return await fetchFrom(address);
    } catch (error) {
      if (index === 0) {
        tally.requests.first++;
        tally.requests.firstUntil = sinceStart();
      }
      fault(address, error);
    }
  }
  tally.requests.failed++;
}

/** One at a time would stand still with the first that waits: a new one begins with every beat. */
const open = new Set<Promise<unknown>>();
for (let turn = 0; !stop; turn++) {
  for (const work of [fetchByName(), count(tally.direct, "servers", () => anyServer(turn))]) {
    open.add(work);
    void work.finally(() => open.delete(work));
  }
  await sleep(PAUSE_MS);
}
await Promise.all(open);
process.stdout.write(`${JSON.stringify(tally)}\n`);
