import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeMessage, type DecodedMessage } from "./testing/decode.ts";
import { encodeQuery, exchangeUdp, freePort } from "./testing/client.ts";
import { testClient, testIdentity } from "./testing/identity.ts";
import { isInstalled, knot, named, nsd, startPeer, type Peer, type ZoneFile } from "./testing/peers.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "./testing/random-zone.ts";
import { Answerer } from "./view/answerer.ts";
import type { View } from "./view/view.ts";
import { foldName, parseName } from "./wire/name.ts";
import { parseMasterFile } from "./zone/master-file.ts";
import { makeZone } from "./zone/zone.ts";

/** Answers compared with other servers over the same random zones: 60 zones, 100 questions each. */
const ZONES = 60;
const QUESTIONS = 100;

const random = seededRandom(Number(process.env["PEAK_SEED"] ?? 1));
const folder = mkdtempSync(join(tmpdir(), "peak-compare-"));
const zones: (ZoneFile & { text: string })[] = Array.from({ length: ZONES }, (_, i) => {
  const origin = `z${i}.test.`;
  const text = randomZone(random, origin);
  const file = join(folder, `z${i}.zone`);
  writeFileSync(file, text);
  return { origin, file, text };
});
const view: View = {
  zones: new Map(
    zones.map(({ origin, text }) => {
      const key = foldName(parseName(origin));
      return [key, makeZone(key, parseMasterFile(text, { file: origin }).records)];
    }),
  ),
  loading: [],
};
afterAll(() => rmSync(folder, { recursive: true }));

/** What must be the same: rcode, AA, the answer, the SOA of negative answers, the NS of referrals and the glue below the cut. */
function essence(message: DecodedMessage, apex: string): string {
  const lower = (records: readonly string[]): string[] => [...new Set(records.map((record) => record.toLowerCase()))].toSorted();
  const isApexNs = (record: string): boolean => record.startsWith(`${apex} `) && / ns /.test(record);
  const authority = lower(message.authority).filter((record) => !isApexNs(record) && !/ ds /.test(record));
  const cut = authority.find((record) => / ns /.test(record))?.split(" ")[0];
  const glue = cut === undefined ? [] : lower(message.additional).filter((record) => record.split(" ")[0]!.endsWith(cut));
  return JSON.stringify({ rcode: message.rcode, aa: message.aa, answer: lower(message.answer), authority, glue });
}

/** Whether a chain of aliases uses one DNAME twice: each server stops somewhere else then. */
function repeatsDname({ answer }: DecodedMessage): boolean {
  const owners = (type: string): string[] =>
    answer.filter((record) => record.split(" ")[3] === type).map((record) => record.split(" ")[0]!);
  return owners("DNAME").some((dname) => owners("CNAME").filter((owner) => owner.endsWith(`.${dname}`)).length > 1);
}

/** Whether a chain of aliases leads back into itself: BIND says SERVFAIL then, the others NOERROR. */
function loops({ answer }: DecodedMessage): boolean {
  const aliases = answer.map((record) => record.toLowerCase().split(" ")).filter(([, , , type]) => type === "cname");
  const target = aliases.at(-1)?.[4];
  return aliases.some(([owner]) => owner === target);
}

describe.each([knot, nsd, named])("compared with $name", (peer: Peer) => {
  let stop: (() => Promise<void>) | undefined;
  let port = 0;
  beforeAll(async () => {
    if (!isInstalled(peer)) return;
    port = await freePort();
    ({ stop } = await startPeer(peer, zones, port, join(folder, peer.binary)));
  }, 30_000);
  afterAll(() => stop?.());

  test.skipIf(!isInstalled(peer))(
    "random questions over random zones get the same answers",
    async () => {
      const answerer = new Answerer(testIdentity);
      answerer.setView(view);
      const differences: string[] = [];
      for (const { origin, text } of zones) {
        for (let i = 0; i < QUESTIONS; i++) {
          const name = randomName(random, origin, 5);
          const type = QUERY_TYPES[Math.floor(random() * QUERY_TYPES.length)]!;
          const query = encodeQuery(name, type);
          const answer = decodeMessage(answerer.respond(query, "udp", testClient)!.message);
          if (repeatsDname(answer) || (peer === named && loops(answer))) continue;
          const ours = essence(answer, origin);
          const theirs = essence(decodeMessage(await exchangeUdp({ address: "127.0.0.1", port }, query)), origin);
          if (ours !== theirs) differences.push(`${name} ${type}\n  ours   ${ours}\n  theirs ${theirs}\n${text}`);
        }
      }
      expect(differences.length, differences.slice(0, 3).join("\n")).toBe(0);
    },
    120_000,
  );
});
