import fc from "fast-check";
import { describe, expect, test } from "vitest";
import dnsPacket from "dns-packet";
import { encodeQuery } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { IncomingTransfer } from "../transfer/incoming.ts";
import { encodeMessages, wholeZone } from "../transfer/messages.ts";
import { EdnsOption, Flag, Rcode } from "../wire/constants.ts";
import { foldName, parseName } from "../wire/name.ts";
import { loadZone } from "../zone/load.ts";
import type { Protocol } from "./exchange.ts";
import { Responder } from "./responder.ts";
import type { View } from "./view.ts";

const zone = loadZone(parseName("example."), {
  file: "test",
  text: `$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns AAAA 2001:db8::1
www AAAA 2001:db8::2
www AAAA 2001:db8::3
alias CNAME www
away CNAME www.elsewhere.
d DNAME www
big TXT ${Array.from({ length: 12 }, (_, i) => `"${String(i).padStart(200, "-")}"`).join(" ")}
*.wild TXT "wild"
ent.sub.deep A 192.0.2.1
child NS ns.child
child NS ns.sibling
child DS 1 13 2 ${"ab".repeat(32)}
ns.child AAAA 2001:db8::4
sibling NS ns.sibling
ns.sibling AAAA 2001:db8::5
*.hosts AAAA 2001:db8::6
mail MX 10 one.hosts
other NS two.hosts
many NS a.many
${Array.from({ length: 30 }, (_, i) => `many NS ns${i}.many\nns${i}.many AAAA 2001:db8::${i + 16}`).join("\n")}
`,
}).zone;
const view: View = { zones: new Map([[zone.origin, zone]]), loading: [foldName(parseName("loading."))] };
const responder = new Responder(testIdentity);
const respond = (query: Uint8Array, protocol: Protocol = "udp") => responder.respond(view, query, protocol, testClient);

/** An OPT record. */
function opt(options: Uint8Array = new Uint8Array(), { size = 4096, version = 0, flags = 0 } = {}): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(41, 1);
  record.writeUInt16BE(size, 3);
  record[6] = version;
  record.writeUInt16BE(flags, 7);
  record.writeUInt16BE(options.length, 9);
  return Buffer.concat([record, options]);
}

/** A query with records in its additional section, and flags. */
function query(name: string, type: string, additional: readonly Uint8Array[] = [], flags = 0): Buffer {
  const message = encodeQuery(name, type);
  message.writeUInt16BE(flags, 2);
  message.writeUInt16BE(additional.length, 10);
  return Buffer.concat([message, ...additional]);
}

function answer(message: Uint8Array, protocol: Protocol = "udp") {
  const response = respond(message, protocol);
  if (!response) throw new Error("no answer");
  const decoded = decodeMessage(response.message);
  const flags = response.message.readUInt16BE(2);
  const edns = dnsPacket.decode(response.message).additionals?.find((record) => record.type === "OPT");
  return { ...decoded, rcode: response.rcode, flags, tc: (flags & Flag.TC) !== 0, edns, length: response.message.length };
}

describe("answers", () => {
  test.each([
    ["www", "AAAA", "NOERROR", true, 2, 0],
    ["WWW", "AAAA", "NOERROR", true, 2, 0],
    ["www", "A", "NOERROR", true, 0, 1],
    ["nope", "A", "NXDOMAIN", true, 0, 1],
    ["alias", "AAAA", "NOERROR", true, 3, 0],
    ["alias", "A", "NOERROR", true, 1, 1],
    ["away", "A", "NOERROR", true, 1, 0],
    ["alias", "CNAME", "NOERROR", true, 1, 0],
    ["x.d", "A", "NXDOMAIN", true, 2, 1],
    ["d", "A", "NOERROR", true, 0, 1],
    ["d", "DNAME", "NOERROR", true, 1, 0],
    ["x.wild", "TXT", "NOERROR", true, 1, 0],
    ["x.y.wild", "TXT", "NOERROR", true, 1, 0],
    ["wild", "TXT", "NOERROR", true, 0, 1],
    ["*.wild", "TXT", "NOERROR", true, 1, 0],
    ["sub.deep", "A", "NOERROR", true, 0, 1],
    ["deep", "A", "NOERROR", true, 0, 1],
    ["x.deep", "A", "NXDOMAIN", true, 0, 1],
    ["child", "A", "NOERROR", false, 0, 2],
    ["x.y.child", "A", "NOERROR", false, 0, 2],
    ["child", "DS", "NOERROR", true, 1, 0],
    ["x.child", "DS", "NOERROR", false, 0, 2],
    ["www", "ANY", "NOERROR", true, 2, 0],
    ["alias", "ANY", "NOERROR", true, 1, 0],
    ["www", "TYPE65280", "NOERROR", true, 0, 1],
    [`${`${"a".repeat(60)}.`.repeat(3)}${"b".repeat(59)}.d`, "A", "YXDOMAIN", true, 1, 0],
  ] as const)("%s %s", (name, type, rcode, aa, answers, authority) => {
    const result = answer(query(`${name}.example`, type), "tcp");
    expect([result.rcode, result.aa, result.answer.length, result.authority.length]).toEqual([Rcode[rcode], aa, answers, authority]);
  });

  test("the case of the question is echoed, also in the owner of the answer", () => {
    const { message } = respond(query("wWw.ExAmPlE", "AAAA"))!;
    expect(message.subarray(12, 25).toString("latin1")).toBe("\x03wWw\x07ExAmPlE\0");
    expect(decodeMessage(message).answer[0]).toMatch(/^wWw\.ExAmPlE\. /);
  });

  test("each address comes first equally often", () => {
    let turn = 0;
    const even = new Responder(testIdentity, () => (turn++ % 2) / 2);
    const firsts = new Set(
      Array.from(
        { length: 2 },
        () => decodeMessage(even.respond(view, query("www.example", "AAAA"), "udp", testClient)!.message).answer[0],
      ),
    );
    expect(firsts.size).toBe(2);
  });

  test("RD and CD are copied, AD, Z and RA are not", () => {
    const { flags } = answer(query("www.example", "AAAA", [], Flag.RD | Flag.CD | Flag.AD | Flag.Z | Flag.RA));
    expect(flags).toBe(Flag.QR | Flag.AA | Flag.RD | Flag.CD);
  });

  test.each([
    ["elsewhere", "A", "REFUSED"],
    [".", "NS", "REFUSED"],
    ["x.loading", "A", "SERVFAIL"],
    ["example", "AXFR", "REFUSED"],
    ["loading", "AXFR", "REFUSED"],
    ["www.example", "AXFR", "NOTAUTH"],
    ["elsewhere", "IXFR", "NOTAUTH"],
    ["www.example", "MAILA", "NOTIMP"],
    ["www.example", "OPT", "FORMERR"],
    ["www.example", "TSIG", "FORMERR"],
  ] as const)("%s %s is %s", (name, type, rcode) => {
    const result = answer(query(name, type));
    expect([result.rcode, result.aa, result.answer.length + result.authority.length]).toEqual([Rcode[rcode], false, 0]);
  });
});

describe("truncation", () => {
  test("an answer that does not fit is cut with TC, and whole over TCP", () => {
    const short = answer(query("big.example", "TXT"));
    expect([short.tc, short.answer.length, short.length <= 512]).toEqual([true, 0, true]);
    const edns = answer(query("big.example", "TXT", [opt()]));
    expect([edns.tc, edns.length <= 1232]).toEqual([true, true]);
    const whole = answer(query("big.example", "TXT"), "tcp");
    expect([whole.tc, whole.answer.length]).toEqual([false, 1]);
  });
  test("a referral whose glue does not fit is cut with TC (RFC 9471)", () => {
    expect(answer(query("x.many.example", "A")).tc).toBe(true);
    expect(answer(query("x.many.example", "A"), "tcp").additional).toHaveLength(30);
  });
  test("addresses that only help are left out without TC", () => {
    const small = answer(query("example", "NS", [opt(undefined, { size: 0 })]));
    expect([small.tc, small.answer.length]).toEqual([false, 1]);
  });
  test("they may be those of a wildcard", () => {
    expect(answer(query("mail.example", "MX")).additional).toEqual(["one.hosts.example. 300 IN AAAA 2001:db8::6"]);
    expect(answer(query("a.other.example", "A")).additional).toEqual(["two.hosts.example. 300 IN AAAA 2001:db8::6"]);
  });
  test("EDNS sizes below 512 count as 512", () => {
    expect(answer(query("www.example", "AAAA", [opt(undefined, { size: 1 })])).answer).toHaveLength(2);
  });
});

describe("EDNS", () => {
  const option = (code: number, data: Uint8Array): Buffer => {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(code);
    header.writeUInt16BE(data.length, 2);
    return Buffer.concat([header, data]);
  };
  const optionsOf = (message: Uint8Array): { code: number; data: Buffer }[] => {
    const { edns } = answer(message);
    if (edns?.type !== "OPT") throw new Error("no OPT");
    return edns.options.map((item) => ({ code: item.code, data: (item as { data: Buffer }).data }));
  };

  test("an OPT for an OPT, none for none; DO is echoed", () => {
    expect(answer(query("www.example", "A")).edns).toBeUndefined();
    expect(answer(query("www.example", "A", [opt()])).edns).toMatchObject({ udpPayloadSize: 1232, ednsVersion: 0, flag_do: false });
    expect(answer(query("www.example", "A", [opt(undefined, { flags: 0x8000 })])).edns).toMatchObject({ flag_do: true });
  });
  test("other versions get BADVERS", () => {
    const result = answer(query("www.example", "AAAA", [opt(undefined, { version: 1 })]));
    expect([result.rcode, result.answer.length, result.edns]).toMatchObject([Rcode.BADVERS, 0, { extendedRcode: 1, ednsVersion: 0 }]);
  });
  test("unknown options and flags are ignored", () => {
    const result = answer(query("www.example", "AAAA", [opt(option(65001, Buffer.from("x")), { flags: 0x7fff })]));
    expect([result.rcode, result.answer.length]).toEqual([Rcode.NOERROR, 2]);
    expect(optionsOf(query("www.example", "AAAA", [opt(option(65001, Buffer.from("x")))]))).toEqual([]);
  });
  test("NSID on request", () => {
    expect(optionsOf(query("www.example", "A", [opt(option(EdnsOption.NSID, Buffer.alloc(0)))]))).toMatchObject([
      { code: 3, data: Buffer.from("test") },
    ]);
  });
  test("cookies: the client part comes back with a server part; a bad length is FORMERR", () => {
    const client = Buffer.from("12345678");
    const [cookie] = optionsOf(query("www.example", "A", [opt(option(EdnsOption.COOKIE, client))]));
    expect([cookie!.code, cookie!.data.length, cookie!.data.subarray(0, 8)]).toEqual([10, 24, client]);
    expect(answer(query("www.example", "A", [opt(option(EdnsOption.COOKIE, Buffer.alloc(9)))])).rcode).toBe(Rcode.FORMERR);
  });
  test("a cookie can be had without a question", () => {
    const message = Buffer.alloc(12);
    message.writeUInt16BE(1, 10);
    expect(answer(Buffer.concat([message, opt(option(EdnsOption.COOKIE, Buffer.alloc(8)))])).rcode).toBe(Rcode.NOERROR);
    expect(answer(Buffer.concat([message, opt()])).rcode).toBe(Rcode.FORMERR);
  });
  test("reasons are given (RFC 8914)", () => {
    expect(optionsOf(query("elsewhere", "A", [opt()]))).toMatchObject([{ code: 15, data: Buffer.from([0, 20]) }]);
    expect(optionsOf(query("loading", "A", [opt()]))).toMatchObject([{ code: 15, data: Buffer.from([0, 14]) }]);
  });
  test("two OPT records, or one that is not of the root, are FORMERR", () => {
    expect(answer(query("www.example", "A", [opt(), opt()])).rcode).toBe(Rcode.FORMERR);
    expect(answer(query("www.example", "A", [Buffer.concat([Buffer.from("\x01a", "latin1"), opt()])])).rcode).toBe(Rcode.FORMERR);
  });
});

describe("odd queries", () => {
  test.each(["", "ab", "000180000001000000000000", "0".repeat(22)])("no answer to %s", (hex) =>
    expect(respond(Buffer.from(hex, "hex"))).toBeUndefined(),
  );
  test.each([1, 2, 3, 4, 5, 6, 15])("opcode %i is NOTIMP", (opcode) => {
    const { rcode, flags } = answer(query("www.example", "A", [], opcode << 11));
    expect([rcode, (flags >> 11) & 15]).toEqual([Rcode.NOTIMP, opcode]);
  });
  test.each([3, 4, 254, 255, 0])("class %i is REFUSED", (qclass) => {
    const message = query("www.example", "A");
    message.writeUInt16BE(qclass, message.length - 2);
    expect(answer(message).rcode).toBe(Rcode.REFUSED);
  });
  test("octets behind the message, two questions, a pointer in the question, a cut message: FORMERR", () => {
    const good = query("www.example", "A");
    const two = Buffer.concat([good, good.subarray(12)]);
    two.writeUInt16BE(2, 4);
    const pointer = Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
    for (const message of [Buffer.concat([good, Buffer.alloc(1)]), two, pointer, good.subarray(0, -1), good.subarray(0, 12)]) {
      expect(respond(message)?.rcode).toBe(Rcode.FORMERR);
    }
  });

  const valid = fc.constantFrom(
    query("www.example", "AAAA", [opt(Buffer.from("000a00083132333435363738", "hex"))]),
    query("x.d.example", "A"),
    query("many.example", "NS", [opt()]),
  );
  const mutated = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }), fc.nat(80))
    .map(([message, changes, cut]) => {
      const copy = Buffer.from(message);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return cut < 8 ? copy.subarray(0, cut * 8) : copy;
    });
  test("random and mutated packets are dropped or get a well-formed answer that fits", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
        ),
        fc.constantFrom<Protocol>("udp", "tcp"),
        (message, protocol) => {
          const response = respond(message, protocol);
          const mustDrop = message.length < 12 || (message[2]! & 0x80) !== 0;
          expect(response === undefined).toBe(mustDrop);
          if (!response) return;
          expect(response.message.readUInt16BE(0)).toBe(message.readUInt16BE(0));
          if (protocol === "udp") expect(response.message.length).toBeLessThanOrEqual(1232);
          if (response.message.readUInt16BE(4) === 1) decodeMessage(response.message);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

test("a record as large as a message can hold is given over TCP, and transferred", () => {
  const strings = Array.from({ length: 255 }, () => `"${"x".repeat(255)}"`).join(" ");
  const large = loadZone(parseName("large."), { file: "test", text: `$TTL 1\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns AAAA ::1\nt TXT ${strings}\n` }).zone;
  const message = encodeQuery("t.large", "TXT");
  const answer = responder.respond({ zones: new Map([[large.origin, large]]), loading: [] }, message, "tcp", testClient)!.message;
  expect([answer.readUInt16BE(2) & Flag.TC, answer.readUInt16BE(6)]).toEqual([0, 1]);
  expect(decodeMessage(answer).answer[0]!.length).toBeGreaterThan(65_280);
  const udp = responder.respond({ zones: new Map([[large.origin, large]]), loading: [] }, message, "udp", testClient)!.message;
  expect(udp.readUInt16BE(2) & Flag.TC).toBe(Flag.TC);
  const question = { name: large.origin, type: 252, class: 1, end: 0 };
  const messages = [...encodeMessages(wholeZone(large), { id: 1, flags: 0, question, opt: undefined, reserved: 100 })];
  expect(messages.map((part) => part.length <= 0xffff)).not.toContain(false);
  const incoming = new IncomingTransfer(large.origin, undefined);
  for (const part of messages) incoming.take(part, 1);
  expect([incoming.done, incoming.zone()?.nodes.size]).toEqual([true, 3]);
});
