import dnsPacket, { type DecodedPacket } from "dns-packet";
import { afterEach, describe, expect, test } from "vitest";
import { Limits } from "../../limit/limits.ts";
import { unexpectedCounts } from "../../runtime/unexpected.ts";
import { addressesIn, encodeQuery, eventually, exchangeUdp } from "../../testing/client.ts";
import { testIdentity } from "../../testing/identity.ts";
import { Answerer, type TableListener } from "../../view/answerer.ts";
import type { AnswerTable } from "../../view/layout.ts";
import { Release } from "../../view/release.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { formatName, parseName, type Name } from "../../wire/name.ts";
import { loadZone } from "../../zone/load.ts";
import { TcpTransport } from "../tcp.ts";
import { BatchedUdpTransport } from "./batched-udp.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const HEAD = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nwww AAAA 2001:db8::1\n";
const faults = (): number => new Map(unexpectedCounts()).get("worker") ?? 0;

function zoneOf(origin: string, text: string) {
  const { zone } = loadZone(parseName(origin), { file: "test", text });
  return { zones: new Map([[zone.origin, zone]]), loading: [] };
}

async function serve(answerer: Answerer): Promise<{ endpoint: Endpoint; transport: BatchedUdpTransport }> {
  // a port that is free, by way of TCP
  const probe = new TcpTransport({ address: "::1", port: 0 }, () => undefined);
  await probe.listen();
  const { endpoint } = probe;
  await probe.close();
  const transport = new BatchedUdpTransport([endpoint], answerer, {
    workers: 1,
    nsid: testIdentity.nsid,
    cookieSecret: new Uint8Array(16),
    limits: new Limits(undefined, undefined),
    handle: (message, client) => answerer.respond(message, "udp", client),
    count: () => {},
  });
  await transport.listen();
  cleanups.push(() => transport.close());
  return { endpoint, transport };
}

/** An answerer whose first listeners are told something that ends their thread. */
class FaultyAnswerer extends Answerer {
  /** How many threads are still to end. */
  ends = 0;
  /** What the last listener was told first. */
  readonly blocks = new Map<string, AnswerTable>();
  private latest: TableListener | undefined;

  override listen(listener: TableListener): () => void {
    this.latest = listener;
    const stop = super.listen({
      ...listener,
      setZone: (origin, table) => {
        if (table) this.blocks.set(formatName(origin), table);
        listener.setZone(origin, table);
      },
    });
    if (this.ends > 0) this.end();
    return stop;
  }

  send(origin: string, table: AnswerTable): void {
    this.latest!.setZone(parseName(origin), table);
  }

  end(): void {
    this.ends--;
    this.latest!.setZone(null as unknown as Name, undefined);
  }
}

/** What comes while a thread ends may be lost, as datagrams are: asks again, as resolvers do. */
async function askAgain(endpoint: Endpoint): Promise<DecodedPacket> {
  for (let tries = 0; tries < 10; tries++) {
    const answer = await exchangeUdp(endpoint, encodeQuery("www.example", "AAAA"), 500).catch(() => undefined);
    if (answer) return dnsPacket.decode(answer);
  }
  throw new Error("no answer");
}

const answered = ({ counts }: { counts: () => Iterable<{ count: number }> }): number => [...counts()].reduce((sum, { count }) => sum + count, 0);

describe.runIf(process.platform === "linux")("a thread that fails", () => {
  test("is started again, is told all there is, and goes on counting", async () => {
    const answerer = new FaultyAnswerer(testIdentity);
    answerer.setView(zoneOf("example.", HEAD));
    const { endpoint, transport } = await serve(answerer);
    const workers = { counts: () => transport.counts() };
    expect(addressesIn(await askAgain(endpoint))).toEqual(["2001:db8::1"]);
    const first = answered(workers);
    expect(first).toBeGreaterThan(0);
    const before = faults();
    answerer.end();
    await eventually(faults, (count) => count === before + 1);
    // meanwhile something else is served
    answerer.setView(zoneOf("example.", HEAD.replace("::1", "::2")));
    // whoever answers: in the end that is a thread again
    await eventually(
      async () => {
        expect(addressesIn(await askAgain(endpoint))).toEqual(["2001:db8::2"]);
        return answered(workers);
      },
      (count) => count > first,
    );
  });

  test("again and again is started ever more seldom, and the main thread answers in its place", async () => {
    const answerer = new FaultyAnswerer(testIdentity);
    answerer.setView(zoneOf("example.", HEAD));
    const { endpoint, transport } = await serve(answerer);
    const workers = { counts: () => transport.counts() };
    const before = faults();
    answerer.ends = 1000;
    answerer.end();
    for (let i = 0; i < 50; i++) expect(addressesIn(await askAgain(endpoint))).toEqual(["2001:db8::1"]);
    await eventually(faults, (count) => count >= before + 4);
    for (let i = 0; i < 50; i++) expect(addressesIn(await askAgain(endpoint))).toEqual(["2001:db8::1"]);
    // with pauses that double a thousand threads would take hours; without them they would have come and gone by now
    expect(faults() - before).toBeLessThan(50);
    answerer.ends = 0;
    await eventually(
      async () => (await askAgain(endpoint), answered(workers)),
      (count) => count > 0,
      1000,
    );
  });
});

describe.runIf(process.platform === "linux")("a thread that nobody asks", () => {
  test("lets go of tables that were replaced", async () => {
    const answerer = new FaultyAnswerer(testIdentity);
    answerer.setView(zoneOf("example.", HEAD));
    const { endpoint } = await serve(answerer);
    const small = new Uint8Array(answerer.blocks.get("example.")!);
    const MIB = 2 ** 20;
    const release = new Release(64 * MIB);
    const replace = async (): Promise<void> => {
      const large = new SharedArrayBuffer(16 * MIB);
      // every page is in use
      const octets = new Uint8Array(large).fill(1);
      octets.set(small);
      answerer.send("example.", large);
      // as the answerer does for its own
      release.drop(large.byteLength);
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100; i++) await replace();
    // all of them together have 1600 MiB; some wait for the next collection
    await eventually(
      () => (process.memoryUsage().rss - before) / MIB,
      (grown) => grown < 800,
    );
    expect(addressesIn(await askAgain(endpoint))).toEqual(["2001:db8::1"]);
  });
});
