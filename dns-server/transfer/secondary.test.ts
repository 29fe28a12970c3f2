import { Registry } from "prom-client";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../config/config.ts";
import { askServer } from "../control/client.ts";
import { startServer, type Server } from "../server.ts";
import { encodeQuery, eventually } from "../testing/client.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { parsePrefix } from "../wire/address.ts";
import { parseName } from "../wire/name.ts";
import { serialOf, soaOf } from "../zone/content.ts";
import { loadZone } from "../zone/load.ts";
import type { Zone } from "../zone/zone.ts";
import { TransferCounts } from "./counts.ts";
import { History } from "./history.ts";
import { IncomingTransfer } from "./incoming.ts";
import { encodeNotify } from "./notifier.ts";
import { OutgoingTransfers } from "./outgoing.ts";
import { SecondaryZone } from "./secondary.ts";

const origin = parseName("peak.");
const text = (serial: number): string => `$TTL 60\n@ SOA ns1 h ${serial} 3600 1 86400 5\n@ NS ns1\nns1 AAAA fd00::1\nn${serial} TXT x\n`;
const zoneOf = (serial: number): Zone => loadZone(origin, { text: text(serial), file: "zone" }).zone;
const serialIn = (zone: Zone | undefined): number | undefined => zone && serialOf(zone);
const counts = (): TransferCounts => new TransferCounts(new Registry(), () => []);

const cleanups: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peak-secondary-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("the changes that are kept", () => {
  test("have no gap, and lead to the version that is there", () => {
    const history = new History();
    const [one, two, three, four] = [1, 2, 3, 4].map(zoneOf) as [Zone, Zone, Zone, Zone];
    history.add(one, two);
    expect(history.since(1, 2)).toHaveLength(1);
    expect(history.since(1, 3)).toBeUndefined();
    history.add(three, four);
    expect([history.since(1, 4), history.since(3, 4)?.length]).toEqual([undefined, 1]);
  });

  test("go on over a time in which the zone had expired", () => {
    const transfers = new OutgoingTransfers(testIdentity, [], counts());
    transfers.configure(new Map([[origin, { keys: [], prefixes: [parsePrefix("::/0"), parsePrefix("0.0.0.0/0")], notify: [] }]]), new Map());
    const [one, two, three] = [1, 2, 3].map(zoneOf) as [Zone, Zone, Zone];
    for (const zone of [one, two, undefined, three]) transfers.setView({ zones: new Map(zone ? [[origin, zone]] : []), loading: [] });
    const soa = soaOf(one);
    const fixed = Buffer.alloc(10);
    [6, 1, 0, 60, soa.rdata.length].forEach((word, i) => fixed.writeUInt16BE(word, 2 * i));
    const message = Buffer.concat([encodeQuery("peak", "IXFR"), Buffer.from(origin, "latin1"), fixed, soa.rdata]);
    message.writeUInt16BE(1, 8);
    const question = { name: origin, type: 251, class: 1, end: 12 + origin.length + 4 };
    const request = { message, protocol: "tcp" as const, client: testClient, key: undefined, reserved: 0 };
    const response = transfers.respond(request, question)!;
    const incoming = new IncomingTransfer(origin, one);
    for (const part of [response.message, ...(response.more ?? [])]) incoming.take(part, 1);
    expect([serialIn(incoming.zone()), incoming.isIncremental]).toEqual([3, true]);
    expect(incoming.zone()?.nodes.has(parseName("n3.peak."))).toBe(true);
    expect(incoming.zone()?.nodes.has(parseName("n1.peak."))).toBe(false);
  });
});

describe("a secondary", () => {
  const primaryConfig = (serial: number): ReturnType<typeof parseConfig> => {
    writeFileSync(join(folder, "zone"), text(serial));
    const zones = [{ origin: "peak", file: "zone", transfer: { prefixes: ["127.0.0.0/8"] } }];
    return parseConfig(JSON.stringify({ role: "zones", listen: ["127.0.0.1:0"], udp: "plain", zones }), join(folder, "p.yaml"));
  };
  const follow = async (settings: object): Promise<SecondaryZone> => {
    const zone = new SecondaryZone({ origin, key: undefined, file: undefined, ...settings } as never, undefined, counts(), () => {});
    cleanups.push(() => zone.stop());
    await zone.start(undefined);
    return zone;
  };
  const comesTo = (zone: SecondaryZone, serial: number): Promise<unknown> =>
    eventually(
      () => serialIn(zone.zone()),
      (found) => found === serial,
      400,
    );
  const startPrimary = async (serial: number): Promise<Server> => {
    const server = await startServer(primaryConfig(serial));
    cleanups.push(() => server.close());
    return server;
  };

  test("tells that its primary has gone back to an earlier serial, and takes that when it is told to", async () => {
    const primary = await startPrimary(10);
    const { address, port } = primary.endpoints[0]!;
    const config = {
      role: "secondary",
      listen: ["127.0.0.1:0"],
      http: "127.0.0.1:0",
      control: "s.sock",
      udp: "plain",
      zones: [{ origin: "peak", primaries: [`${address}:${port}`] }],
    };
    const secondary = await startServer(parseConfig(JSON.stringify(config), join(folder, "s.yaml")));
    cleanups.push(() => secondary.close());
    const metrics = async (): Promise<string> => {
      const http = secondary.http!;
      return (await fetch(`http://${http.address}:${http.port}/metrics`)).text();
    };
    const shows = (line: string): Promise<string> => eventually(metrics, (all) => all.includes(`${line}\n`), 400);
    await shows('peakdns_zone_serial{zone="peak."} 10');
    await shows('peakdns_zone_primary_behind{zone="peak."} 0');
    await primary.reload(primaryConfig(5));
    const control = join(folder, "s.sock");
    // whoever asks: the zone that is there is asked for anew at the next NOTIFY
    const { createSocket } = await import("node:dgram");
    const socket = createSocket("udp4");
    cleanups.push(() => socket.close());
    socket.send(encodeNotify({ origin, soa: zoneOf(11).soa }), secondary.endpoints[0]!.port, "127.0.0.1");
    await shows('peakdns_zone_primary_behind{zone="peak."} 1');
    expect(await metrics()).toContain('peakdns_zone_serial{zone="peak."} 10\n');
    const forced = await askServer(control, "POST", "/transfer?zone=peak");
    expect(forced).toMatchObject({ zone: "peak.", serial: 5 });
    await shows('peakdns_zone_serial{zone="peak."} 5');
    await shows('peakdns_zone_primary_behind{zone="peak."} 0');
    await expect(askServer(control, "POST", "/transfer?zone=other")).rejects.toThrow("other is no zone that this server fetches");
    await primary.close();
    await expect(askServer(control, "POST", "/transfer?zone=peak")).rejects.toThrow("no primary gave the zone");
  });

  test("asks the others when the first primary is behind, or when one of them has told of a change", async () => {
    const [first, second] = [await startPrimary(10), await startPrimary(10)];
    const zone = await follow({ primaries: [first, second].map(({ endpoints }) => endpoints[0]!) });
    await comesTo(zone, 10);
    await second.reload(primaryConfig(11));
    zone.notify(encodeNotify({ origin, soa: zoneOf(11).soa }));
    await comesTo(zone, 11);
    await second.reload(primaryConfig(12));
    // without a word, as REFRESH does it
    (zone as unknown as { refresh: () => void }).refresh();
    await comesTo(zone, 12);
    expect(zone.isPrimaryBehind).toBe(true);
    await first.reload(primaryConfig(13));
    zone.notify(encodeNotify({ origin, soa: zoneOf(13).soa }));
    await comesTo(zone, 13);
    expect(zone.isPrimaryBehind).toBe(false);
  });

  test("has whatever a primary has once its own version has expired", async () => {
    const primary = await startPrimary(5);
    const file = join(folder, "saved");
    writeFileSync(file, text(10).replace("86400", "1"));
    utimesSync(file, 1, 1);
    const zone = await follow({ primaries: [primary.endpoints[0]!], file });
    await comesTo(zone, 5);
    expect(zone.isPrimaryBehind).toBe(false);
  });

  test("starts no transfers one after the other for as many NOTIFYs", async () => {
    const primary = await startPrimary(10);
    let refreshes = 0;
    const counted = counts();
    counted.transfer = () => void refreshes++;
    const settings = { origin, primaries: [primary.endpoints[0]!], key: undefined, file: undefined } as never;
    const zone = new SecondaryZone(settings, undefined, counted, () => {});
    cleanups.push(() => zone.stop());
    let asked = 0;
    const fetch = (zone as unknown as { fetch: (forcing: []) => Promise<boolean> }).fetch.bind(zone);
    (zone as unknown as { fetch: typeof fetch }).fetch = (forcing) => (asked++, fetch(forcing));
    await zone.start(undefined);
    await eventually(
      () => serialIn(zone.zone()),
      (serial) => serial === 10,
    );
    for (let i = 0; i < 50; i++) {
      zone.notify(encodeNotify({ origin, soa: zoneOf(11).soa }));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(asked).toBe(1);
    await eventually(
      () => asked,
      (count) => count === 2,
      400,
    );
    expect(refreshes).toBe(1);
  });
});
