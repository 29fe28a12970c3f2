import { describe, expect, test } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "../testing/random-zone.ts";
import { coveredType, readNsec, readRRsets, validate, type ReadRRset } from "../testing/validate.ts";
import { Responder, type Protocol } from "../view/responder.ts";
import type { View } from "../view/view.ts";
import { EDNS_CO, EDNS_DO, Rcode, Type, typeCode, typeName } from "../wire/constants.ts";
import { foldName, formatName, parseName, type Name } from "../wire/name.ts";
import { lookup, matchName } from "../zone/lookup.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import { newKey } from "./key.ts";
import { successor } from "./nsec.ts";
import { ZoneSigner } from "./signer.ts";

const DAY = 86_400;
const keys = [newKey(), newKey()];
const dnskeys = keys.map(({ dnskey }) => dnskey);

interface Signed {
  readonly zone: Zone;
  readonly signer: ZoneSigner;
  readonly view: View;
}

function signed(originText: string, text: string, signer?: ZoneSigner): Signed {
  const origin = foldName(parseName(originText));
  const used = signer ?? new ZoneSigner({ origin, keys, validity: 7 * DAY });
  const zone = makeZone(origin, [...parseMasterFile(text, { file: originText }).records, ...used.records]);
  return { zone, signer: used, view: { zones: new Map([[origin, zone]]), signers: new Map([[origin, used]]), loading: [] } };
}

function query(name: string, type: string, { flags = EDNS_DO, size = 4096 } = {}): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(Type.OPT, 1);
  opt.writeUInt16BE(size, 3);
  opt.writeUInt16BE(flags, 7);
  const message = Buffer.concat([encodeQuery(name, type), opt]);
  message.writeUInt16BE(1, 10);
  return message;
}

const responder = new Responder(testIdentity);
const respond = ({ view }: Signed, message: Buffer, protocol: Protocol = "tcp"): Buffer =>
  responder.respond(view, message, protocol, testClient)!.message;
const rcodeOf = (message: Buffer): number => message[3]! & 15;
const isSignature = ({ type }: ReadRRset): boolean => type === Type.RRSIG;

/** What is wrong with the signatures of a section: every RRset but those named needs one that holds. */
function faults(zone: Zone, sets: readonly ReadRRset[], unsigned: (set: ReadRRset) => boolean): string[] {
  const now = Math.floor(Date.now() / 1000);
  return sets.filter((set) => !isSignature(set)).flatMap((set) => {
    const shown = `${formatName(set.owner)} ${typeName(set.type)}`;
    const signature = sets.find((other) => isSignature(other) && other.owner === set.owner && coveredType(other.rdatas[0]!) === set.type);
    if (!signature) return unsigned(set) ? [] : [`${shown} has no RRSIG`];
    if (unsigned(set)) return [`${shown} has an RRSIG`];
    if (signature.ttl !== set.ttl) return [`${shown} has another TTL than its RRSIG`];
    return signature.rdatas.flatMap((rrsig) => validate(set, rrsig, dnskeys, zone.origin, now)?.replace(/^/, `${shown}: `) ?? []);
  });
}

/** The types that a zone has at a name; undefined when there is no such name. */
function typesAt(zone: Zone, name: Name): number[] | undefined {
  const found = matchName(zone, name, Type.DS);
  if (found.kind === "none") return undefined;
  if (found.kind === "dname") throw new Error("an alias is no absence");
  const { rrsets } = found.node;
  const isCut = rrsets.has(Type.NS) && foldName(found.node.name) !== zone.origin;
  return [...(isCut ? [Type.NS, ...(rrsets.has(Type.DS) ? [Type.DS] : [])] : rrsets.keys())];
}

describe("a signed zone", () => {
  test("over random zones every answer validates, says the same as unsigned, and proves what it leaves out", () => {
    const random = seededRandom(11);
    const kinds = new Map<string, number>();
    for (let i = 0; i < 60; i++) {
      const origin = `z${i}.test.`;
      const text = randomZone(random, origin);
      const served = signed(origin, text);
      const { zone } = served;
      for (let k = 0; k < 60; k++) {
        const name = randomName(random, origin, 5);
        const type = QUERY_TYPES[Math.floor(random() * QUERY_TYPES.length)]!;
        const compactOk = k % 2 === 0;
        const message = respond(served, query(name, type, { flags: EDNS_DO | (compactOk ? EDNS_CO : 0) }));
        const [answer, authority, additional] = readRRsets(message);
        const plain = lookup(zone, foldName(parseName(name)), typeCode(type)!);
        const at = `${name} ${type} in\n${text}`;

        const isSynthesized = ({ owner, type: covered }: ReadRRset): boolean =>
          covered === Type.CNAME && plain.answer.some((set) => set.by === "dname" && foldName(set.owner) === owner);
        const isDelegation = ({ owner, type: covered }: ReadRRset): boolean => covered === Type.NS && owner !== zone.origin;
        const isGlue = ({ owner, type: covered }: ReadRRset): boolean => matchName(zone, owner, covered).kind !== "exact";
        expect(faults(zone, answer, isSynthesized), at).toEqual([]);
        expect(faults(zone, authority, isDelegation), at).toEqual([]);
        expect(faults(zone, additional, isGlue), at).toEqual([]);

        // beside signatures and proofs the same as unsigned
        const isProof = (set: ReadRRset): boolean => isSignature(set) || set.type === Type.NSEC || set.type === Type.DS;
        const content = (sets: readonly { owner: Name; type: number; ttl: number }[]): string[] =>
          sets.map((set) => `${foldName(set.owner)} ${set.type} ${set.ttl}`).toSorted();
        const lookedUp = (sets: typeof plain.authority): string[] => content(sets.map(({ owner, rrset }) => ({ owner, ...rrset })));
        expect(content(answer.filter((set) => !isSignature(set))), at).toEqual(lookedUp(plain.answer));
        expect(content(authority.filter((set) => !isProof(set))), at).toEqual(lookedUp(plain.authority));
        expect(content(additional.filter((set) => !isSignature(set))), at).toEqual(lookedUp([...plain.glue, ...plain.additional]));

        const nsecs = [...answer, ...authority].filter((set) => set.type === Type.NSEC);
        const { absence } = plain;
        kinds.set(absence?.kind ?? "none", 1 + (kinds.get(absence?.kind ?? "none") ?? 0));
        const proved = absence !== undefined && !(absence.kind === "ds" && absence.node.rrsets.has(Type.DS));
        expect(nsecs.length, at).toBe(proved ? 1 : 0);
        expect(rcodeOf(message), at).toBe(absence?.kind === "name" && !compactOk ? Rcode.NOERROR : plain.rcode);
        if (!proved) continue;
        const { next, types } = readNsec(nsecs[0]!.rdatas[0]!);
        expect([nsecs[0]!.owner, next], at).toEqual([absence.name, successor(absence.name, zone.origin)]);
        const there = typesAt(zone, absence.name) ?? [Type.NXNAME];
        expect(types, at).toEqual(new Set([...there, Type.RRSIG, Type.NSEC]));
        expect(types.has(absence.kind === "ds" ? Type.DS : typeCode(type)!), at).toBe(false);
      }
    }
    // all of it has been asked
    for (const kind of ["none", "name", "type", "ds"]) expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(100);
  });
});
