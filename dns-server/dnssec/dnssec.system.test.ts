import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../shell/run.ts";
import { which } from "../../shell/which.ts";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { encodeQuery, eventually, exchangeUdp, freePort } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "../testing/random-zone.ts";
import { Flag, Rcode, Type, typeCode, typeName } from "../wire/constants.ts";
import { foldName, formatName, parseName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { lookup } from "../zone/lookup.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import { dsRdata, newKey, writeKeyFile, type SigningKey } from "./key.ts";

/** Validators of others over signed zones: delv (BIND) question by question, unbound as a resolver, with one trust anchor above all. */

const folder = mkdtempSync(join(tmpdir(), "peak-dnssec-"));
const random = seededRandom(Number(process.env["PEAK_SEED"] ?? 5));

const CHILD = `$TTL 300
@ SOA ns.test. hostmaster 1 3600 600 86400 60
@ NS ns.test.
www AAAA 2001:db8::1
www AAAA 2001:db8::2
alias CNAME www
away CNAME www.insecure.test.
*.wild TXT "wild"
*.walias CNAME www
leaf.ent TXT "x"
d DNAME wild
Mixed MX 10 MAIL.Child.Test.
mixed SRV 1 2 80 MAIL.Child.Test.
naptr NAPTR 100 10 "u" "sip+E2U" "" WWW.Child.Test.
https HTTPS 1 . alpn=h3
opaque TYPE65000 \\# 3 010203
big TXT ${Array.from({ length: 6 }, (_, i) => `"${String(i).padStart(220, "-")}"`).join(" ")}
`;
/** Random zones: what is hard, signed. */
const RANDOM_ZONES = 8;
const randomTexts = Array.from({ length: RANDOM_ZONES }, (_, i) => [`z${i}.test.`, randomZone(random, `z${i}.test.`)] as const);

interface Signed {
  readonly origin: string;
  readonly text: string;
  readonly keys: readonly SigningKey[];
}
const signedChildren: Signed[] = [
  { origin: "child.test.", text: CHILD, keys: [newKey()] },
  // in the middle of a change of keys
  { origin: "rolling.test.", text: CHILD, keys: [newKey(), newKey()] },
  ...randomTexts.map(([origin, text]) => ({ origin, text, keys: [newKey()] })),
];
const ds = ({ origin, keys }: Signed): string[] =>
  keys.map((key) => `${origin} DS ${formatRdata(Type.DS, dsRdata(parseName(origin), key))}`);
const parent: Signed = {
  origin: "test.",
  keys: [newKey()],
  text: [
    "$TTL 300",
    "@ SOA ns hostmaster 1 3600 600 86400 60",
    "@ NS ns",
    "ns A 127.0.0.1",
    "insecure NS ns",
    ...signedChildren.flatMap((child) => [`${child.origin} NS ns`, ...ds(child)]),
    "",
  ].join("\n"),
};
const anchor = ds(parent)[0]!.split(" ").slice(2);

let server: Server;
let port: number;
beforeAll(async () => {
  const zones = [parent, ...signedChildren].map(({ origin, text, keys }) => {
    writeFileSync(join(folder, `${origin}zone`), text);
    const files = keys.map((key, i) => {
      writeKeyFile(join(folder, `${origin}${i}.pem`), parseName(origin), key);
      return `${origin}${i}.pem`;
    });
    return { origin, file: `${origin}zone`, dnssec: { keys: files } };
  });
  writeFileSync(join(folder, "insecure.zone"), "$TTL 300\n@ SOA ns.test. h 1 2 3 4 5\n@ NS ns.test.\nwww AAAA 2001:db8::9\n");
  const config = { role: "zones", listen: ["127.0.0.1:0"], zones: [...zones, { origin: "insecure.test.", file: "insecure.zone" }] };
  server = await startServer(parseConfig(JSON.stringify(config), join(folder, "config.yaml")));
  port = server.endpoints[0]!.port;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe.skipIf(!which("delv"))("delv", () => {
  beforeAll(() => writeFileSync(join(folder, "anchor"), `trust-anchors { test. static-ds ${anchor.slice(0, 3).join(" ")} "${anchor[3]}"; };\n`));
  const delv = async (name: string, type: string): Promise<string> =>
    run("delv", ["@127.0.0.1", "-p", String(port), "-a", join(folder, "anchor"), "+root=test", name, type]);

  test.each<[name: string, type: string]>([
    ["test", "SOA"],
    ["test", "DNSKEY"],
    ["test", "CDS"],
    ["nope.test", "A"],
    ["child.test", "DS"],
    ["insecure.test", "DS"],
    ...["child.test", "rolling.test"].flatMap((zone) =>
      [
        ["@", "SOA"],
        ["@", "NS"],
        ["@", "DNSKEY"],
        ["@", "CDS"],
        ["@", "CDNSKEY"],
        ["@", "NSEC"],
        ["@", "ANY"],
        ["@", "A"],
        ["www", "AAAA"],
        ["WWW", "AAAA"],
        ["www", "A"],
        ["www", "NSEC"],
        ["nope", "A"],
        ["a.b.c.nope", "A"],
        ["alias", "AAAA"],
        ["alias", "TXT"],
        ["x.wild", "TXT"],
        ["y.x.wild", "TXT"],
        ["*.wild", "TXT"],
        ["x.wild", "A"],
        ["x.walias", "AAAA"],
        ["ent", "A"],
        ["x.ent", "A"],
        ["d", "DNAME"],
        ["x.d", "TXT"],
        ["x.d", "A"],
        ["mixed", "MX"],
        ["mixed", "SRV"],
        ["naptr", "NAPTR"],
        ["https", "HTTPS"],
        ["opaque", "TYPE65000"],
        ["opaque", "TYPE65001"],
        ["big", "TXT"],
      ].map(([label, type]): [string, string] => [label === "@" ? zone : `${label}.${zone}`, type!]),
    ),
  ])("validates %s %s", async (name, type) => expect(await delv(name, type)).toMatch(/^; (negative response, )?fully validated/));

  test("finds what is not signed insecure, not bogus", async () => expect(await delv("www.insecure.test", "AAAA")).toMatch(/^; unsigned answer/));
});

describe.skipIf(!which("delv") || !which("nsupdate"))("a root zone on two servers with one key", () => {
  const secret = Buffer.alloc(32, 7).toString("base64");
  const key = newKey();
  const dnssec = { keys: ["peak.pem"] };
  let primary: Server;
  let secondary: Server;
  beforeAll(async () => {
    writeKeyFile(join(folder, "peak.pem"), parseName("peak"), key);
    const start = (config: object): Promise<Server> => startServer(parseConfig(JSON.stringify(config), join(folder, "config.yaml")));
    const secondaryPort = await freePort();
    primary = await start({
      role: "root",
      listen: ["127.0.0.1:0"],
      zone: "peak",
      records: "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n",
      dnssec,
      keys: [{ name: "admin", secret }],
      transfer: { prefixes: ["127.0.0.1"], notify: [`127.0.0.1:${secondaryPort}`] },
      updates: { journal: "journal", grants: [{ key: "admin", names: ["*.peak"], types: ["TXT"] }] },
    });
    const primaries = [`127.0.0.1:${primary.endpoints[0]!.port}`];
    secondary = await start({ role: "secondary", listen: [`127.0.0.1:${secondaryPort}`], zones: [{ origin: "peak", primaries, dnssec }] });
    const digest = formatRdata(Type.DS, dsRdata(parseName("peak"), key)).split(" ");
    writeFileSync(join(folder, "peak.anchor"), `trust-anchors { peak. static-ds ${digest.slice(0, 3).join(" ")} "${digest[3]}"; };\n`);
  });
  afterAll(async () => {
    await secondary?.close();
    await primary?.close();
  });

  test("validates before and after an update, on both", async () => {
    const ask = async (at: Server, name: string, type: string): Promise<string> =>
      run("delv", ["@127.0.0.1", "-p", String(at.endpoints[0]!.port), "-a", join(folder, "peak.anchor"), "+root=peak", name, type]);
    expect(await ask(primary, "new.peak", "TXT")).toMatch(/^; negative response, fully validated/);
    writeFileSync(
      join(folder, "update"),
      `server 127.0.0.1 ${primary.endpoints[0]!.port}\nzone peak.\nupdate add new.peak. 60 TXT hello\nsend\n`,
    );
    await run("nsupdate", ["-y", `hmac-sha256:admin:${secret}`, join(folder, "update")]);
    expect(await ask(primary, "new.peak", "TXT")).toMatch(/^; fully validated\nnew\.peak\..*"hello"/);
    const validated = /^; fully validated\nnew\.peak\..*"hello"/;
    await eventually(
      () => ask(secondary, "new.peak", "TXT"),
      (text) => validated.test(text),
    );
    expect(await ask(secondary, "nope.peak", "A")).toMatch(/^; negative response, fully validated/);
  });
});

describe.skipIf(!which("unbound"))("unbound", () => {
  let unbound: ChildProcess | undefined;
  let resolver: number;
  beforeAll(async () => {
    resolver = await freePort();
    const zones = [parent, ...signedChildren].map(({ origin }) => origin);
    writeFileSync(
      join(folder, "unbound.conf"),
      [
        "server:",
        "  do-daemonize: no",
        '  username: ""',
        '  chroot: ""',
        `  directory: "${folder}"`,
        '  pidfile: ""',
        "  use-syslog: no",
        "  interface: 127.0.0.1",
        `  port: ${resolver}`,
        "  do-not-query-localhost: no",
        '  module-config: "validator iterator"',
        // draws conclusions from NSEC records, which must all be right
        "  aggressive-nsec: yes",
        '  local-zone: "test." nodefault',
        `  trust-anchor: "test. DS ${anchor.join(" ")}"`,
        "remote-control:",
        "  control-enable: no",
        ...[...zones, "insecure.test."].flatMap((zone) => ["stub-zone:", `  name: "${zone}"`, `  stub-addr: 127.0.0.1@${port}`]),
        "",
      ].join("\n"),
    );
    unbound = spawn("unbound", ["-d", "-c", join(folder, "unbound.conf")], { stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      const answer = await resolve("test", "SOA", 100).catch(() => undefined);
      if (answer && rcodeOf(answer) === Rcode.NOERROR) return;
      await new Promise((wait) => setTimeout(wait, 50));
    }
    throw new Error("unbound does not answer");
  });
  afterAll(() => void unbound?.kill());

  const rcodeOf = (message: Buffer): number => message[3]! & 15;
  /** Asks with RD and AD. */
  const resolve = (name: string, type: string, timeoutMs?: number): Promise<Buffer> => {
    const query = encodeQuery(name, type);
    query.writeUInt16BE(Flag.RD | Flag.AD, 2);
    return exchangeUdp({ address: "127.0.0.1", port: resolver }, query, timeoutMs);
  };

  test("authenticates every answer of random zones to random questions", async () => {
    let asked = 0;
    for (const [origin, text] of randomTexts) {
      const zone: Zone = makeZone(foldName(parseName(origin)), parseMasterFile(text, { file: origin }).records);
      for (let i = 0; i < 120; i++) {
        const name = randomName(random, origin, 5);
        const type = QUERY_TYPES[Math.floor(random() * QUERY_TYPES.length)]!;
        const { rcode, answer, authority, absence } = lookup(zone, foldName(parseName(name)), typeCode(type)!);
        // where the zone alone does not answer: delegations, loops, and aliases that leave it
        const last = answer.at(-1)?.rrset.type;
        const leaves = (last === Type.CNAME && type !== "CNAME" && authority.length === 0) || (last === Type.DNAME && type !== "DNAME");
        if (absence?.kind === "ds" || leaves || type === "DS") continue;
        asked++;
        const message = await resolve(name, type);
        const decoded = decodeMessage(message);
        const shown = `${name} ${type} in\n${text}`;
        expect(message.readUInt16BE(2) & Flag.AD, shown).toBe(Flag.AD);
        // an absent name comes as an absent type (RFC 9824)
        expect([rcode, Rcode.NOERROR], shown).toContain(decoded.rcode);
        const lower = (records: readonly string[]): string[] => records.map((record) => record.toLowerCase().replace(/ \d+ in /, " ")).toSorted();
        const expected = answer.flatMap(({ owner, rrset }) =>
          rrset.rdatas.map((rdata) => `${formatName(owner)} 0 IN ${typeName(rrset.type)} ${formatRdata(rrset.type, rdata)}`),
        );
        expect(lower(decoded.answer), shown).toEqual(lower(expected));
      }
    }
    expect(asked).toBeGreaterThan(400);
  });

  test("takes an unsigned child for what it is", async () => {
    const message = await resolve("www.insecure.test", "AAAA");
    expect([rcodeOf(message), message.readUInt16BE(2) & Flag.AD]).toEqual([Rcode.NOERROR, 0]);
  });
});
