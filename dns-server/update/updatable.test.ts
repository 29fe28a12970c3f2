import { appendFileSync, fdatasyncSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { UserError } from "../runtime/errors.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import type { Response } from "../view/exchange.ts";
import { GeneralResponder } from "../view/general.ts";
import { Responder } from "../view/responder.ts";
import { Class, Opcode, Rcode, Type, typeName } from "../wire/constants.ts";
import { formatName, parseName, readName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { isSignedAnswer, signRequest, TsigError, type TsigKey } from "../wire/tsig.ts";
import { encodeUpdate } from "../wire/update-request.ts";
import type { UpdateRecord } from "../wire/update.ts";
import { checkRecords } from "../zone/check.ts";
import { serialOf } from "../zone/content.ts";
import { loadZone } from "../zone/load.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { Journal } from "./journal.ts";
import { applyJournal } from "./merge.ts";
import { UpdatableZone, type UpdateSettings } from "./updatable.ts";

vi.mock("node:fs", { spy: true });

const origin = parseName("peak.");
const key = (name: string, secret = name): TsigKey => ({
  name: parseName(name),
  algorithm: "hmac-sha256",
  secret: Buffer.from(secret.padEnd(32)),
});
const [admin, c1, c2, acme] = [key("admin."), key("c1."), key("c2."), key("acme.")];
const keys = new Map([admin, c1, c2, acme].map((item) => [item.name, item]));
const TYPES = [Type.A, Type.AAAA, Type.TXT, Type.CNAME, Type.MX, Type.NS, Type.SOA, Type.DNAME];
const grants = [
  { key: admin.name, delegateTo: [], names: [parseName("*.peak."), origin], types: TYPES },
  { key: c1.name, delegateTo: [parseName("ns1.c1.peak.")], names: [], types: [] },
  { key: c1.name, delegateTo: [parseName("ns2.c1.peak.")], names: [], types: [] },
  { key: c2.name, delegateTo: [parseName("ns1.c2.peak.")], names: [], types: [] },
  { key: acme.name, delegateTo: [], names: [parseName("_acme-challenge.www.peak.")], types: [Type.TXT] },
];
const TEXT = "$TTL 60\n@ SOA ns1 h 10 3600 600 86400 5\n@ NS ns1\nns1 AAAA fd00::1\nwww A 192.0.2.1\nwww A 192.0.2.2\nalias CNAME www\n";

let folder: string;
let zone: UpdatableZone;
let changes: number;
const open = (text = TEXT, settings: Partial<UpdateSettings> = {}): UpdatableZone =>
  new UpdatableZone(
    origin,
    loadZone(origin, { text, file: "base" }).records,
    { grants, journal: join(folder, "journal"), ...settings },
    () => changes++,
  );
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peak-update-"));
  changes = 0;
  zone = open();
});
afterEach(() => {
  zone.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

/** Answers a message as the server does. */
function respond(message: Buffer): Response | undefined {
  const responder = new GeneralResponder(new Responder(testIdentity));
  responder.setServices({ keys, update: (request) => zone.update(request) });
  return responder.respond({ zones: new Map(), loading: [] }, message, "udp", testClient);
}
const handle = (message: Buffer): Response => respond(message)!;

/** `+RECORD` adds, `-RECORD` removes a record, `-NAME TYPE` an RRset, `-NAME ANY` all; names are relative to the zone. */
function updates(...lines: string[]): UpdateRecord[] {
  return lines.map((line) => {
    const [, sign, text] = /^([+-])(.*)$/.exec(line)!;
    const words = text!.split(" ");
    if (words.length === 2)
      return {
        name: parseName(words[0]!, origin),
        type: words[1] === "ANY" ? Type.ANY : Type[words[1] as "A"],
        class: Class.ANY,
        ttl: 0,
        rdata: Buffer.alloc(0),
      };
    const {
      records: [record],
      faults,
    } = parseMasterFile(`$TTL 60\n${text}\n`, { file: "update", origin });
    if (!record) throw new Error(faults[0]?.message);
    return {
      name: record.name,
      type: record.type,
      class: sign === "+" ? Class.IN : Class.NONE,
      ttl: sign === "+" ? record.ttl : 0,
      rdata: record.rdata,
    };
  });
}

const now = (): number => Math.floor(Date.now() / 1000);
const questionEnd = (message: Buffer): number => readName(message, 12)!.end + 4;
function send(by: TsigKey, lines: string[], options: { prerequisites?: UpdateRecord[]; lease?: number } = {}): string {
  const signed = signRequest(encodeUpdate(77, origin, updates(...lines), options), by, now());
  const { message, rcode } = handle(signed.message);
  expect(message.readUInt16BE(0)).toBe(77);
  expect(isSignedAnswer(message, by, signed.mac, now())).toBe(true);
  return Object.entries(Rcode).find(([, code]) => code === rcode)![0];
}

/** All records but SOA, as text. */
const contents = (): string[] =>
  [...zone.zone().nodes.values()]
    .flatMap(({ name, rrsets }) =>
      [...rrsets.values()].flatMap(({ type, ttl, rdatas }) =>
        type === Type.SOA ? [] : rdatas.map((rdata) => `${formatName(name)} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`),
      ),
    )
    .toSorted();
const serial = (): number => serialOf(zone.zone());
const base = [
  "alias.peak. 60 CNAME www.peak.",
  "ns1.peak. 60 AAAA fd00::1",
  "peak. 60 NS ns1.peak.",
  "www.peak. 60 A 192.0.2.1",
  "www.peak. 60 A 192.0.2.2",
];

describe("updates", () => {
  test.each<[string[], string[], string[]]>([
    [["+a 30 A 192.0.2.9"], ["a.peak. 30 A 192.0.2.9"], []],
    [["-www A"], [], ["www.peak. 60 A 192.0.2.1", "www.peak. 60 A 192.0.2.2"]],
    [["-www A 192.0.2.1"], [], ["www.peak. 60 A 192.0.2.1"]],
    // names are compared in any case (RFC 2136 section 1.1)
    [["-ALIAS CNAME WWW"], [], ["alias.peak. 60 CNAME www.peak."]],
    [["+@ NS NS1"], [], []],
    [["-www ANY", "+www 9 TXT x"], ['www.peak. 9 TXT "x"'], ["www.peak. 60 A 192.0.2.1", "www.peak. 60 A 192.0.2.2"]],
    [
      ["+www 9 A 192.0.2.3"],
      ["www.peak. 9 A 192.0.2.1", "www.peak. 9 A 192.0.2.2", "www.peak. 9 A 192.0.2.3"],
      ["www.peak. 60 A 192.0.2.1", "www.peak. 60 A 192.0.2.2"],
    ],
    [["+alias CNAME ns1"], ["alias.peak. 60 CNAME ns1.peak."], ["alias.peak. 60 CNAME www.peak."]],
    // what RFC 2136 wants ignored
    [["+www CNAME ns1"], [], []],
    [["+alias A 192.0.2.9"], [], []],
    [["-peak. ANY"], [], []],
    [["-peak. NS"], [], []],
    [["-peak. SOA"], [], []],
    [["-peak. NS ns1.peak."], [], []],
    [["-none A"], [], []],
    [["-www A 192.0.2.77"], [], []],
    [["+www 60 A 192.0.2.1"], [], []],
    [["+peak. SOA ns1 h 9 1 1 1 1"], [], []],
    [["+b A 192.0.2.9", "-b ANY"], [], []],
  ])("%j", (lines, added, removed) => {
    expect(send(admin, lines)).toBe("NOERROR");
    expect(contents()).toEqual([...base.filter((record) => !removed.includes(record)), ...added].toSorted());
    const changed = added.length + removed.length > 0;
    expect([serial(), changes]).toEqual(changed ? [11, 1] : [10, 0]);
  });

  test("a SOA with a later serial is taken as it is", () => {
    send(admin, ["+peak. SOA ns1 h 3000000000 1 1 1 1"]);
    expect(serial()).toBe(10);
    send(admin, ["+peak. SOA ns1 h 2000000000 1 1 1 1"]);
    expect(serial()).toBe(2_000_000_000);
  });

  const prerequisite = (name: string, type: number, rclass: number, rdata = Buffer.alloc(0)): UpdateRecord => ({
    name: parseName(name, origin),
    type,
    class: rclass,
    ttl: 0,
    rdata,
  });
  const [one, two] = [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])];
  test.each<[string, UpdateRecord[]]>([
    [
      "NOERROR",
      [
        prerequisite("www", Type.ANY, Class.ANY),
        prerequisite("www", Type.A, Class.ANY),
        prerequisite("none", Type.ANY, Class.NONE),
        prerequisite("www", Type.TXT, Class.NONE),
      ],
    ],
    ["NXDOMAIN", [prerequisite("none", Type.ANY, Class.ANY)]],
    ["NXRRSET", [prerequisite("www", Type.TXT, Class.ANY)]],
    ["YXDOMAIN", [prerequisite("www", Type.ANY, Class.NONE)]],
    ["YXRRSET", [prerequisite("www", Type.A, Class.NONE)]],
    ["NOERROR", [prerequisite("www", Type.A, Class.IN, two), prerequisite("www", Type.A, Class.IN, one)]],
    ["NXRRSET", [prerequisite("www", Type.A, Class.IN, one)]],
    ["NOTZONE", [prerequisite("elsewhere.", Type.A, Class.ANY)]],
    ["FORMERR", [prerequisite("www", Type.A, Class.ANY, one)]],
    ["FORMERR", [prerequisite("www", Type.A, Class.CH)]],
  ])("prerequisites: %s", (rcode, prerequisites) => {
    expect(send(admin, ["+a A 192.0.2.9"], { prerequisites })).toBe(rcode);
    expect(contents().length).toBe(base.length + (rcode === "NOERROR" ? 1 : 0));
  });

  test("an update is made whole or not at all", () => {
    expect(send(acme, ["+_acme-challenge.www TXT token", "-www A"])).toBe("REFUSED");
    expect(contents()).toEqual(base);
  });

  test("malformed updates", () => {
    const sendRaw = (update: UpdateRecord): number =>
      handle(signRequest(encodeUpdate(1, origin, [update]), admin, now()).message).rcode;
    const record = { name: parseName("a.peak."), type: Type.A, class: Class.IN as number, ttl: 1, rdata: Buffer.from([1, 2, 3]) };
    expect(sendRaw(record)).toBe(Rcode.FORMERR);
    expect(sendRaw({ ...record, class: Class.ANY })).toBe(Rcode.FORMERR);
    expect(sendRaw({ ...record, type: Type.AXFR })).toBe(Rcode.FORMERR);
    expect(sendRaw({ ...record, name: parseName("a.") })).toBe(Rcode.NOTZONE);
    expect(handle(signRequest(encodeUpdate(1, parseName("other."), []), admin, now()).message).rcode).toBe(Rcode.NOTAUTH);
  });
});

describe("grants", () => {
  test("a cluster touches its own delegations only", () => {
    expect(send(c1, ["+echo NS ns1.c1", "+ns1.c1 AAAA fd00::c1"])).toBe("NOERROR");
    expect(send(c2, ["+echo NS ns1.c2", "+ns1.c2 AAAA fd00::c2"])).toBe("NOERROR");
    for (const lines of [
      ["+other NS ns1.c1"],
      ["-echo NS ns1.c1"],
      ["-echo NS"],
      ["-echo ANY"],
      ["+ns1.c1 AAAA fd00::bad"],
      ["-ns1.c1 AAAA"],
      ["+echo AAAA fd00::1"],
      ["+peak. NS ns1.c2"],
      ["+www TXT x"],
    ]) {
      expect([lines, send(c2, lines)]).toEqual([lines, "REFUSED"]);
    }
    expect(send(c2, ["-echo NS ns1.c2"])).toBe("NOERROR");
    expect(contents()).toContain("echo.peak. 60 NS ns1.c1.peak.");
  });
  test("a cluster delegates nothing that somebody else has records at or below", () => {
    send(admin, ["+mail.corp A 192.0.2.5"]);
    for (const name of ["www", "ns1", "corp", "mail.corp", "c2", "ns1.c2", "*", "*.free"])
      expect([name, send(c1, [`+${name} NS ns1.c1`])]).toEqual([name, "REFUSED"]);
    expect(send(c1, ["+api.shop NS ns1.c1"])).toBe("NOERROR");
    expect(send(c2, ["+shop NS ns1.c2"])).toBe("REFUSED");
    expect(send(c1, ["-api.shop NS ns1.c1", "+shop NS ns1.c1"])).toBe("NOERROR");
    expect(send(c2, ["+shop NS ns1.c2", "+x.shop NS ns1.c2"])).toBe("NOERROR");
    // its own name server is its own
    expect(send(c1, ["+ns1.c1 AAAA fd00::c1", "+ns2.c1 AAAA fd00::c2"])).toBe("NOERROR");
    expect(send(c1, ["+c1 NS ns1.c1"])).toBe("NOERROR");
  });
  describe("what the operator delegates", () => {
    const MAIL = `${TEXT}mail 3600 NS ns.mail\nns.mail 3600 AAAA fd00::3\nowned 3600 NS ns1.c1\nns1.c1 3600 AAAA fd00::c1\n`;
    beforeEach(() => {
      zone.close();
      zone = open(MAIL);
    });
    test.each([
      ["joined by another name server", ["+mail NS ns1.c1"]],
      ["taken away", ["-owned NS ns1.c1"]],
      ["taken away with its type", ["-owned NS"]],
      ["joined by a second of the same cluster", ["+owned NS ns2.c1"]],
      ["given another address", ["+ns1.c1 AAAA fd00::bad"]],
      ["left without an address", ["-ns1.c1 AAAA fd00::c1"]],
    ])("is not %s by a cluster's key", (_, lines) => {
      const before = contents();
      for (const lease of [undefined, 30])
        expect(send(c1, lines, lease === undefined ? {} : { lease })).toBe("REFUSED");
      expect(contents()).toEqual(before);
    });
    test("is not given another TTL by who registers the same, and stays when that ends", () => {
      vi.useFakeTimers({ now: Date.now() });
      const [before, number] = [contents(), serial()];
      for (const ttl of [1, 0x7fffffff]) expect(send(c1, [`+owned ${ttl} NS ns1.c1`, `+ns1.c1 ${ttl} AAAA fd00::c1`], { lease: 10 })).toBe("NOERROR");
      expect([contents(), serial()]).toEqual([before, number]);
      vi.advanceTimersByTime(100_000);
      expect(contents()).toEqual(before);
    });
    test("is joined where it is to a cluster, and to others for that", () => {
      zone.close();
      zone = open(MAIL, { shared: new Set([parseName("owned.peak.")]) });
      expect(send(c2, ["+owned 60 NS ns1.c2"], { lease: 30 })).toBe("NOERROR");
      expect(send(c1, ["-owned NS ns1.c1"])).toBe("REFUSED");
      zone.close();
      zone = open(MAIL, { shared: new Set([parseName("owned.peak.")]) });
      expect(contents().filter((record) => record.startsWith("owned"))).toHaveLength(2);
    });
    test("may be changed by a key that was granted the name", () => {
      expect(send(admin, ["+mail 3600 NS ns1.c1"])).toBe("NOERROR");
      expect(contents()).toContain("mail.peak. 3600 NS ns1.c1.peak.");
    });
  });
  test("what is registered has the TTL of the configuration, and is not for ever", () => {
    vi.useFakeTimers({ now: Date.now() });
    zone.close();
    zone = open(TEXT, { delegationTtl: 45 });
    expect(send(c1, ["+echo 2147483647 NS ns1.c1", "+ns1.c1 7 AAAA fd00::c1"])).toBe("NOERROR");
    expect(send(c2, ["+echo 1 NS ns1.c2"], { lease: 20 })).toBe("NOERROR");
    const registered = ["echo.peak. 45 NS ns1.c1.peak.", "echo.peak. 45 NS ns1.c2.peak.", "ns1.c1.peak. 45 AAAA fd00::c1"];
    expect(contents()).toEqual(expect.arrayContaining(registered));
    vi.advanceTimersByTime(86_401_000);
    expect(contents()).toEqual(base);
  });
  test("a name and a type", () => {
    expect(send(acme, ["+_acme-challenge.www TXT token"])).toBe("NOERROR");
    expect([
      send(acme, ["+_acme-challenge.www A 192.0.2.1"]),
      send(acme, ["+_acme-challenge TXT x"]),
      send(acme, ["+x._acme-challenge.www TXT x"]),
    ]).toEqual(Array(3).fill("REFUSED"));
  });
});

describe("several clusters under one name", () => {
  test("each adds and takes back its own, whatever TTL the other has", () => {
    expect(send(c1, ["+echo 60 NS ns1.c1", "+ns1.c1 AAAA fd00::c1"], { lease: 30 })).toBe("NOERROR");
    expect(send(c2, ["+echo 30 NS ns1.c2", "+ns1.c2 AAAA fd00::c2"], { lease: 30 })).toBe("NOERROR");
    expect(contents()).toEqual(expect.arrayContaining(["echo.peak. 30 NS ns1.c1.peak.", "echo.peak. 30 NS ns1.c2.peak."]));
    expect(send(c1, ["-echo NS ns1.c1"])).toBe("NOERROR");
    expect(contents().filter((record) => record.startsWith("echo"))).toEqual(["echo.peak. 30 NS ns1.c2.peak."]);
  });
  test("one cannot renew, end or make lasting what the other has", () => {
    send(c1, ["+echo 60 NS ns1.c1"], { lease: 30 });
    expect(send(c2, ["+echo 60 NS ns1.c1"], { lease: 10 })).toBe("REFUSED");
    expect(send(c2, ["+echo 60 NS ns1.c1"])).toBe("REFUSED");
    expect(send(c2, ["+echo 30 NS ns1.c2", "+echo 30 NS ns1.c1"])).toBe("REFUSED");
  });
});

describe("signatures", () => {
  const message = encodeUpdate(5, origin, updates("+a A 192.0.2.9"));
  const tsigErrorOf = (answer: Buffer): number =>
    answer.readUInt16BE(answer.length - (answer.readUInt16BE(answer.length - 2) === 0 ? 4 : 10));

  test("none: REFUSED", () => expect(handle(message).rcode).toBe(Rcode.REFUSED));
  test.each([
    ["a key that is not known", TsigError.BADKEY, signRequest(message, key("other."), now()).message],
    ["another secret", TsigError.BADSIG, signRequest(message, { ...admin, secret: Buffer.alloc(32) }, now()).message],
    ["another algorithm", TsigError.BADKEY, signRequest(message, { ...admin, algorithm: "hmac-sha512" }, now()).message],
    ["a clock that is wrong", TsigError.BADTIME, signRequest(message, admin, now() - 1000).message],
  ])("%s", (_, error, request) => {
    const answer = handle(request);
    expect([answer.rcode, tsigErrorOf(answer.message)]).toEqual([Rcode.NOTAUTH, error]);
    expect(contents()).toEqual(base);
  });
  test("a changed octet anywhere is found", () => {
    const { message: signed } = signRequest(message, admin, now());
    fc.assert(
      fc.property(fc.integer({ min: 2, max: signed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = Buffer.from(signed);
        copy[at]! ^= flip;
        const rcode = respond(copy)?.rcode;
        // letters of the names in the signature count folded
        if (flip !== 0x20) expect(rcode).not.toBe(Rcode.NOERROR);
      }),
      { numRuns: 500 },
    );
  });
  test("random octets are answered, and change nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 200 }), (octets) => {
        octets[2] = (octets[2]! & 7) | (Opcode.UPDATE << 3);
        const { message: answer } = handle(Buffer.from(octets));
        expect(answer.readUInt16BE(0)).toBe((octets[0]! << 8) | octets[1]!);
        expect(contents()).toEqual(base);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the journal", () => {
  test("changes survive, whatever the process does next", () => {
    send(admin, ["+a A 192.0.2.9", "-www A"]);
    send(admin, ['+b TXT "quo\\"te"']);
    const [before, number] = [contents(), serial()];
    // not closed, as after kill -9
    const again = open();
    zone.close();
    zone = again;
    expect([contents(), serial()]).toEqual([before, number]);
  });
  test("another master file moves the serial on, the same one does not", () => {
    zone.close();
    zone = open();
    expect(serial()).toBe(10);
    zone.close();
    zone = open(`${TEXT}new A 192.0.2.7\n`);
    expect(serial()).toBe(11);
    zone.close();
    zone = open(`${TEXT}new A 192.0.2.7\n`);
    expect([serial(), contents().includes("new.peak. 60 A 192.0.2.7")]).toEqual([11, true]);
  });
  describe("and a master file that was edited", () => {
    const reopened = (text: string): string[] => {
      zone.close();
      const warned: string[] = [];
      const stderr = vi.spyOn(process.stderr, "write").mockImplementation((line) => (warned.push(String(line)), true));
      zone = open(text);
      stderr.mockRestore();
      expect(checkRecords(origin, records()).filter(({ severity }) => severity === "error")).toEqual([]);
      return warned.map((line) => (JSON.parse(line) as { message: string }).message);
    };
    const records = (): ZoneRecord[] =>
      [...zone.zone().nodes.values()].flatMap(({ name, rrsets }) =>
        [...rrsets.values()].flatMap(({ type, ttl, rdatas }) => rdatas.map((rdata) => ({ name, type, ttl, rdata }))),
      );
    test.each<[string, string[], string, string[], RegExp]>([
      ["two CNAMEs", ["+app CNAME ns1"], "app CNAME www", ["app.peak. 60 CNAME www.peak."], /app.peak. 60 IN CNAME ns1.peak., .* is left out/],
      ["a CNAME and other data", ["+app A 192.0.2.7"], "app CNAME www", ["app.peak. 60 CNAME www.peak."], /app.peak. 60 IN A 192.0.2.7/],
      ["other data and a CNAME", ["+app CNAME www"], "app TXT x", ['app.peak. 60 TXT "x"'], /app.peak. 60 IN CNAME www/],
      ["two DNAMEs", ["+app DNAME a.example."], "app DNAME b.example.", ["app.peak. 60 DNAME b.example."], /DNAME a.example/],
    ])("the file wins: %s", (_, updates, added, expected, warning) => {
      expect(send(admin, updates)).toBe("NOERROR");
      expect(reopened(`${TEXT}${added}\n`)).toEqual([expect.stringMatching(warning)]);
      expect(contents()).toEqual([...base, ...expected].toSorted());
    });
    test("a zone that would be without name servers has those of the file", () => {
      const two = `${TEXT}@ NS ns2\nns2 AAAA fd00::2\n`;
      expect(reopened(two)).toEqual([]);
      expect(send(admin, ["-@ NS ns1"])).toBe("NOERROR");
      const number = serial();
      expect(reopened(TEXT)).toEqual([expect.stringContaining("what updates took from peak. is there again")]);
      expect(contents()).toEqual(base);
      expect(serial()).toBe(number + 1);
    });
    test.each(["echo NS ns1", "echo A 192.0.2.1", "www.echo TXT x"])("a name that a cluster registered, and the file now has (%s)", (added) => {
      expect(send(c1, ["+echo NS ns1.c1", "+c1 NS ns1.c1", "+ns1.c1 AAAA fd00::c1"], { lease: 30 })).toBe("NOERROR");
      expect(reopened(`${TEXT}${added}\nns1.c1 AAAA fd00::c2\n`)).toEqual([expect.stringMatching(/^warning: echo.peak. 60 IN NS ns1.c1.peak., which .* the zone's own now$/)]);
      expect(contents().filter((record) => / NS ns1.c1/.test(record))).toEqual(["c1.peak. 60 NS ns1.c1.peak."]);
      expect(send(c1, ["+echo NS ns1.c1"], { lease: 30 })).toBe("REFUSED");
    });
    test("keeps what updates make afterwards of a name that the file has won", () => {
      expect(send(admin, ["+app TXT x"])).toBe("NOERROR");
      const edited = `${TEXT}app CNAME www\n`;
      expect(reopened(edited)).toHaveLength(1);
      expect(send(admin, ["-app CNAME", "+app CNAME ns1"])).toBe("NOERROR");
      const before = [serial(), contents()];
      expect(contents()).toContain("app.peak. 60 CNAME ns1.peak.");
      expect(reopened(edited)).toEqual([]);
      expect([serial(), contents()]).toEqual(before);
    });
    test.each([
      ["another's", admin, ["-www A", "+www NS ns.example."]],
      ["a cluster's", c1, ["+www NS ns1.c1"]],
    ])("leaves a leased delegation (%s) of a name that an update took from the file", (_, by, updates) => {
      expect(send(admin, ["-www A"])).toBe("NOERROR");
      expect(send(by, updates, { lease: 300 })).toBe("NOERROR");
      const before = [serial(), contents()];
      expect(reopened(TEXT)).toEqual([]);
      expect([serial(), contents()]).toEqual(before);
    });
    test("is read without being touched, for a check", () => {
      send(admin, ["+app CNAME ns1"]);
      appendFileSync(join(folder, "journal"), '{"remove":[],"add":[["b.peak. 6');
      const before = readFileSync(join(folder, "journal"));
      const { records: edited } = loadZone(origin, { text: `${TEXT}app CNAME www\n`, file: "base" });
      const { faults } = applyJournal(origin, edited, Journal.read(join(folder, "journal")), grants);
      expect(faults).toMatchObject([{ severity: "warning", message: expect.stringContaining("app.peak. 60 IN CNAME ns1.peak.") }]);
      expect(readFileSync(join(folder, "journal"))).toEqual(before);
      expect(Journal.read(join(folder, "none"))).toEqual([]);
    });
  });
  test("a line that was cut short is dropped, others that cannot be read are an error", () => {
    send(admin, ["+a A 192.0.2.9"]);
    zone.close();
    appendFileSync(join(folder, "journal"), '{"remove":[],"add":[["b.peak. 6');
    zone = open();
    expect(contents()).toContain("a.peak. 60 A 192.0.2.9");
    expect(readFileSync(join(folder, "journal"), "utf8").split("\n")).toHaveLength(3);
    // a file of something else, named by mistake, stays as it is
    for (const text of ["nonsense\n", "nonsense"]) {
      writeFileSync(join(folder, "journal"), text);
      expect(() => open()).toThrow(UserError);
      expect(readFileSync(join(folder, "journal"), "utf8")).toBe(text);
    }
  });
  test("that somebody has removed is written anew with the next change", () => {
    send(admin, ["+a A 192.0.2.9", "-alias CNAME"]);
    rmSync(join(folder, "journal"));
    send(admin, ["+b A 192.0.2.8"]);
    const before = contents();
    zone.close();
    zone = open();
    expect([contents(), serial()]).toEqual([before, 12]);
    expect(before).toContain("a.peak. 60 A 192.0.2.9");
  });
  test("is made short again; master file and journal both count", () => {
    for (let i = 0; i < 1100; i++) send(admin, [`${i % 2 === 0 ? "+" : "-"}a A 192.0.2.9`]);
    expect(readFileSync(join(folder, "journal"), "utf8").split("\n").length).toBeLessThan(1050);
    send(admin, ["+kept A 192.0.2.8", "-alias CNAME"]);
    zone.close();
    zone = open(`${TEXT}new A 192.0.2.7\n`);
    expect(contents()).toEqual(
      [...base.filter((record) => !record.startsWith("alias")), "kept.peak. 60 A 192.0.2.8", "new.peak. 60 A 192.0.2.7"].toSorted(),
    );
    // 1101 changes, and a master file that is another one
    expect(serial()).toBe(1112);
  });
  test("what an append that failed has left is taken away before the next", () => {
    send(admin, ["+a A 192.0.2.9"]);
    vi.mocked(fdatasyncSync).mockImplementationOnce(() => {
      throw new Error("no space left on device");
    });
    expect(send(admin, ["+b A 192.0.2.9"])).toBe("SERVFAIL");
    expect(send(admin, ["+c A 192.0.2.9"])).toBe("NOERROR");
    zone.close();
    zone = open();
    expect(contents()).toEqual([...base, "a.peak. 60 A 192.0.2.9", "c.peak. 60 A 192.0.2.9"].toSorted());
  });
  test("a disk that takes nothing: SERVFAIL and no change", () => {
    zone.close();
    expect(send(admin, ["+a A 192.0.2.9"])).toBe("SERVFAIL");
    expect(contents()).toEqual(base);
    zone = open();
  });
});

describe("leases", () => {
  test("records without renewal go; renewal shows in no serial", () => {
    vi.useFakeTimers({ now: Date.now() });
    send(c1, ["+echo NS ns1.c1", "+ns1.c1 AAAA fd00::c1"], { lease: 30 });
    const [full, number] = [contents(), serial()];
    vi.advanceTimersByTime(20_000);
    send(c1, ["+echo NS ns1.c1"], { lease: 30 });
    expect(serial()).toBe(number);
    vi.advanceTimersByTime(20_000);
    // the address was not renewed
    expect(contents()).toEqual(full.filter((record) => !record.startsWith("ns1.c1")));
    vi.advanceTimersByTime(11_000);
    expect(contents()).toEqual(base);
    expect(serial()).toBe(number + 2);
  });
  test("leave the zone its name servers and its SOA", () => {
    vi.useFakeTimers();
    expect(send(admin, ["+@ NS ns2", "-@ NS ns1", "+@ SOA ns2 h 100 1 1 1 1"], { lease: 30 })).toBe("NOERROR");
    vi.advanceTimersByTime(60_000);
    expect([serial(), contents()]).toEqual([100, [...base.filter((record) => !record.includes(" NS ")), "peak. 60 NS ns2.peak."].toSorted()]);
  });

  test("what was there for ever stays, whoever adds it for a time", () => {
    vi.useFakeTimers({ now: Date.now() });
    send(admin, ["+www 60 A 192.0.2.1"], { lease: 30 });
    vi.advanceTimersByTime(40_000);
    expect(contents()).toEqual(base);
    send(admin, ["+a 60 A 192.0.2.1"], { lease: 30 });
    send(admin, ["+a 60 A 192.0.2.1"]);
    vi.advanceTimersByTime(40_000);
    expect(contents()).toContain("a.peak. 60 A 192.0.2.1");
  });
  test("a restart gives the holders time to come back", () => {
    vi.useFakeTimers({ now: Date.now() });
    send(c1, ["+echo NS ns1.c1"], { lease: 30 });
    zone.close();
    vi.setSystemTime(Date.now() + 3_600_000);
    zone = open();
    expect(contents()).toContain("echo.peak. 60 NS ns1.c1.peak.");
    vi.advanceTimersByTime(61_000);
    expect(contents()).toEqual(base);
  });
  test("the lease that was granted is told", () => {
    const { message } = handle(signRequest(encodeUpdate(1, origin, updates("+echo NS ns1.c1"), { lease: 1 }), c1, now()).message);
    const opt = message.subarray(questionEnd(message), questionEnd(message) + 19);
    expect([opt.readUInt16BE(1), opt.readUInt16BE(11), opt.readUInt32BE(15)]).toEqual([Type.OPT, 2, 10]);
  });
});
