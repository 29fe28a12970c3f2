import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "../testing/random-zone.ts";
import { coveredType, readNsec, readRRsets, validate, type ReadRRset } from "../testing/validate.ts";
import { Answerer } from "../view/answerer.ts";
import type { Protocol } from "../view/exchange.ts";
import { Responder } from "../view/responder.ts";
import type { View } from "../view/view.ts";
import { EDNS_CO, EDNS_DO, Flag, Rcode, Type, typeCode, typeName } from "../wire/constants.ts";
import { foldName, formatName, parseName, type Name } from "../wire/name.ts";
import { lookup, matchName } from "../zone/lookup.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import type { OwnedRRset } from "../zone/node.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import { Budget } from "./budget.ts";
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
  const zone = makeZone(origin, [...parseMasterFile(text, { file: originText, origin }).records, ...used.records]);
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

const responder = new Responder(testIdentity, () => 0);
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
        const isWildcard = ({ owner, rrset }: OwnedRRset): boolean => matchName(zone, foldName(owner), rrset.type).kind === "wildcard";
        const given = [...plain.glue, ...plain.additional.filter((set) => !isWildcard(set))];
        expect(content(additional.filter((set) => !isSignature(set))), at).toEqual(lookedUp(given));

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

  const text = `$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns AAAA 2001:db8::1
www AAAA 2001:db8::2
www AAAA 2001:db8::3
*.wild TXT "wild"
a.ent TXT "x"
Case MX 10 NS.Example.
cut NS ns.cut
cut A 192.0.2.1
ns.cut A 192.0.2.2
big TXT ${Array.from({ length: 5 }, (_, i) => `"${String(i).padStart(220, "-")}"`).join(" ")}
`;
  const records = (served: Signed, message: Buffer): string[] => {
    const [answer, authority] = readRRsets(respond(served, message));
    return [...answer, ...authority].map(({ owner, type, rdatas }) =>
      type === Type.RRSIG ? `${formatName(owner)} RRSIG ${typeName(coveredType(rdatas[0]!))}` : `${formatName(owner)} ${typeName(type)}`,
    );
  };
  const example = (): Signed => signed("example.", text);
  const soa = ["example. SOA", "example. RRSIG SOA"];

  test.each([
    ["www", "AAAA", ["www.example. AAAA", "www.example. RRSIG AAAA"]],
    ["www", "A", [...soa, "www.example. NSEC", "www.example. RRSIG NSEC"]],
    ["nope", "A", [...soa, "nope.example. NSEC", "nope.example. RRSIG NSEC"]],
    ["ent", "A", [...soa, "ent.example. NSEC", "ent.example. RRSIG NSEC"]],
    ["x.wild", "TXT", ["x.wild.example. TXT", "x.wild.example. RRSIG TXT"]],
    ["x.wild", "A", [...soa, "x.wild.example. NSEC", "x.wild.example. RRSIG NSEC"]],
    ["x.cut", "A", ["cut.example. NS", "cut.example. NSEC", "cut.example. RRSIG NSEC"]],
    ["cut", "DS", [...soa, "cut.example. NSEC", "cut.example. RRSIG NSEC"]],
    ["www", "NSEC", ["www.example. NSEC", "www.example. RRSIG NSEC"]],
    ["www", "RRSIG", ["www.example. RRSIG NSEC"]],
    ["nope", "NSEC", [...soa, "nope.example. NSEC", "nope.example. RRSIG NSEC"]],
    ["case", "ANY", ["case.example. MX", "case.example. RRSIG MX"]],
    ["@", "DNSKEY", ["example. DNSKEY", "example. RRSIG DNSKEY"]],
    ["@", "CDS", ["example. CDS", "example. RRSIG CDS"]],
    ["@", "CDNSKEY", ["example. CDNSKEY", "example. RRSIG CDNSKEY"]],
  ])("%s %s", (name, type, expected) =>
    expect(records(example(), query(name === "@" ? "example" : `${name}.example`, type))).toEqual(expected),
  );

  test("DNSKEY is signed with every key, the rest with the first", () => {
    const signatures = (type: string): number => {
      const [answer] = readRRsets(respond(example(), query("example", type)));
      return answer.find(isSignature)!.rdatas.length;
    };
    expect([signatures("DNSKEY"), signatures("CDS"), signatures("SOA")]).toEqual([2, 2, 1]);
  });

  test("a question without DO gets what it gets from an unsigned zone, and the tables answer it", () => {
    const served = example();
    const answerer = new Answerer(testIdentity);
    answerer.setView(served.view);
    const ask = (name: string, flags: number): Buffer => answerer.respond(query(name, "AAAA", { flags }), "udp", testClient)!.message;
    for (const name of ["www.example", "nope.example", "ns.example", "x.cut.example"]) {
      const plain = ask(name, 0);
      const [answer, authority] = readRRsets(plain);
      expect([...answer, ...authority].some((set) => isSignature(set) || set.type === Type.NSEC)).toBe(false);
      const [, signedAuthority] = readRRsets(ask(name, EDNS_DO));
      const [signedAnswer] = readRRsets(ask(name, EDNS_DO));
      expect([...signedAnswer, ...signedAuthority].some(isSignature), name).toBe(true);
    }
    expect(rcodeOf(ask("nope.example", 0))).toBe(Rcode.NXDOMAIN);
    expect(rcodeOf(ask("nope.example", EDNS_DO))).toBe(Rcode.NOERROR);
  });

  test("the flags DO and CO come back, AD and TC do not", () => {
    const message = query("nope.example", "A", { flags: EDNS_DO | EDNS_CO });
    message.writeUInt16BE(Flag.AD | Flag.CD, 2);
    const answer = respond(example(), message);
    expect(answer.readUInt16BE(2)).toBe(Flag.QR | Flag.AA | Flag.CD | Rcode.NXDOMAIN);
    expect(answer.subarray(-11).readUInt16BE(7)).toBe(EDNS_DO | EDNS_CO);
  });

  test("NXNAME is never asked for (RFC 9824 section 3.5)", () => expect(rcodeOf(respond(example(), query("www.example", "NXNAME")))).toBe(1));

  test("an answer whose signature does not fit is cut, and whole over TCP", () => {
    const cut = respond(example(), query("big.example", "TXT"), "udp");
    expect(cut.readUInt16BE(2) & Flag.TC).toBe(Flag.TC);
    expect(cut.length).toBeLessThanOrEqual(1232);
    expect(records(example(), query("big.example", "TXT"))).toEqual(["big.example. TXT", "big.example. RRSIG TXT"]);
  });
});

describe("signatures", () => {
  afterEach(() => void vi.useRealTimers());
  const base = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n*.wild TXT "x"\n';
  const rrsig = (served: Signed, name: string, type: string): string => {
    const [answer, authority] = readRRsets(respond(served, query(name, type)));
    return Buffer.from([...answer, ...authority].findLast(isSignature)!.rdatas[0]!).toString("hex");
  };
  const questions = [
    ["www.example", "A"],
    ["www.example", "TXT"],
    ["nope.example", "A"],
    ["a.wild.example", "TXT"],
    ["example", "DNSKEY"],
  ] as const;

  test("are made once and kept, also for a new version of the zone; what has changed is signed anew", () => {
    const first = signed("example.", base);
    const before = questions.map(([name, type]) => rrsig(first, name, type));
    expect(questions.map(([name, type]) => rrsig(first, name, type))).toEqual(before);
    const second = signed("example.", `${base}new A 192.0.2.3\n`, first.signer);
    expect(questions.map(([name, type]) => rrsig(second, name, type))).toEqual(before);
    const third = signed("example.", base.replace("192.0.2.2", "192.0.2.4"), first.signer);
    expect(questions.map(([name, type], i) => rrsig(third, name, type) === before[i])).toEqual([false, true, true, true, true]);
    expect(faults(third.zone, readRRsets(respond(third, query("www.example", "A")))[0], () => false)).toEqual([]);
  });

  test("are made anew in time, and when the clock was set back", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const served = signed("example.", base);
    const holds = (): boolean => faults(served.zone, readRRsets(respond(served, query("www.example", "A")))[0], () => false).length === 0;
    const before = rrsig(served, "www.example", "A");
    for (let hour = 0; hour < 20 * 24; hour += 4) {
      vi.setSystemTime(start + hour * 3_600_000);
      expect(holds()).toBe(true);
    }
    const later = rrsig(served, "www.example", "A");
    expect(later).not.toBe(before);
    vi.setSystemTime(start);
    expect(holds()).toBe(true);
    expect(rrsig(served, "www.example", "A")).not.toBe(later);
  });

  test("for names that askers invent are bounded; those of the zone are not", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { zone, signer } = signed("example.", base);
    const budget = new Budget(10);
    const ask = (name: string, type: number) => signer.answer(zone, parseName(name), type, false, budget);
    for (let i = 0; i < 10; i++) expect(ask(`n${i}.example`, Type.A)).toBeDefined();
    expect(ask("n10.example", Type.A)).toBeUndefined();
    expect(ask("w.wild.example", Type.TXT)).toBeUndefined();
    // known, or of the zone
    expect(ask("n3.example", Type.A)).toBeDefined();
    expect(ask("www.example", Type.A)).toBeDefined();
    expect(ask("www.example", Type.TXT)).toBeDefined();
    vi.setSystemTime(Date.now() + 500);
    for (let i = 20; i < 25; i++) expect(ask(`n${i}.example`, Type.A)).toBeDefined();
    expect(ask("n25.example", Type.A)).toBeUndefined();
  });

  test("a flood of invented names gets TC over UDP and SERVFAIL over TCP, beside which the rest is answered", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const served = signed("example.", base);
    const flooded = new Responder(testIdentity);
    const ask = (name: string, protocol: Protocol): number =>
      flooded.respond(served.view, query(name, "A"), protocol, testClient)!.message.readUInt16BE(2) & (Flag.TC | 15);
    const answers = (protocol: Protocol): number[] => Array.from({ length: 2100 }, (_, i) => ask(`${protocol}${i}.example`, protocol));
    expect(new Set(answers("udp"))).toEqual(new Set([0, Flag.TC]));
    expect(ask("www.example", "udp")).toBe(0);
    expect(new Set(answers("tcp"))).toEqual(new Set([0, Rcode.SERVFAIL]));
    expect(ask("www.example", "tcp")).toBe(0);
  });
});
