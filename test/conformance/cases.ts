import { readFileSync } from "node:fs";
import { z } from "zod";
import { Type, rcodeName, typeName } from "../../dns-server/wire/constants.ts";
import { foldName, formatName } from "../../dns-server/wire/name.ts";
import { formatRdata } from "../../dns-server/wire/rdata.ts";
import { encodeQuery } from "../../dns-server/testing/client.ts";
import { decodeMessage, type DecodedMessage } from "../../dns-server/testing/decode.ts";
import { testClient, testIdentity } from "../../dns-server/testing/identity.ts";
import { Answerer } from "../../dns-server/view/answerer.ts";
import { parseMasterFile } from "../../dns-server/zone/master-file.ts";
import { makeZone, type Zone } from "../../dns-server/zone/zone.ts";

/** Cases for an authoritative server in the format of the Ferret sample: a zone, a question, and the answer that is right. */
const caseSchema = z.object({
  id: z.union([z.number(), z.string()]),
  zone: z.string(),
  query: z.object({ name: z.string(), type: z.string() }),
  rcode: z.string(),
  aa: z.boolean(),
  answer: z.array(z.string()).default([]),
  authority: z.array(z.string()).default([]),
  additional: z.array(z.string()).default([]),
});
export type Case = z.output<typeof caseSchema>;

/** Reads a file of cases, one JSON object a line. @throws Error that names the line */
export function readCases(file: string): Case[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) => {
      if (line.trim() === "") return [];
      try {
        return [caseSchema.parse(JSON.parse(line))];
      } catch (error) {
        const message = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
        throw new Error(`${file}:${index + 1}: ${message}`, { cause: error });
      }
    });
}

/** Runs one case from wire query to wire answer. @returns the differences, in words; none when it passed */
export function runCase(test: Case): string[] {
  const zone = zoneOf(test.zone);
  const query = encodeQuery(test.query.name, test.query.type);
  const answerer = new Answerer(testIdentity);
  answerer.setView({ zones: new Map([[zone.origin, zone]]), loading: [] });
  // TCP, so that no answer is cut short
  const response = answerer.respond(query, "tcp", testClient);
  return response ? compare(test, decodeMessage(response.message), formatName(zone.origin)) : ["no answer"];
}

/** The zone of a case: its origin is the owner of its SOA. Faults of a zone are left in, as the servers that were asked had them. */
function zoneOf(text: string): Zone {
  const { records, faults } = parseMasterFile(text, { file: "zone" });
  const soa = records.find((record) => record.type === Type.SOA);
  if (!soa || faults.length > 0) throw new Error(`the zone cannot be read: ${faults[0]?.message ?? "no SOA"}`);
  return makeZone(foldName(soa.name), records);
}

/** Records as text that is the same for the same record, whatever the case of the names and the spelling. */
function normalize(records: readonly string[]): string[] {
  return records.flatMap((text) => {
    const {
      records: [record],
      faults,
    } = parseMasterFile(text, { file: "expected" });
    if (!record) throw new Error(`cannot read the expected record "${text}": ${faults[0]?.message}`);
    const rdata = formatRdata(record.type, record.rdata);
    return [
      `${formatName(record.name)} ${record.ttl} ${typeName(record.type)} ${record.type === Type.TXT ? rdata : rdata.toLowerCase()}`.replace(
        /^\S+/,
        (owner) => owner.toLowerCase(),
      ),
    ];
  });
}

const isAlias = (record: string): boolean => /^\S+ \d+ (CNAME|DNAME) /.test(record);

/**
 * rcode and aa exactly; the answer as a set, aliases also in order (some servers tell one that leads to itself twice); authority and
 * additional only of referrals (NS and glue) and negative answers (SOA).
 */
function compare(expected: Case, actual: DecodedMessage, origin: string): string[] {
  const differences: string[] = [];
  const differ = (what: string, want: unknown, got: unknown): void =>
    void differences.push(`${what}: expected ${String(want)}, got ${String(got)}`);
  const sameSet = (what: string, want: readonly string[], got: readonly string[]): void => {
    const sorted = (records: readonly string[]): string => [...new Set(records)].toSorted().join("\n");
    if (sorted(want) !== sorted(got)) differ(what, `[${want.join("; ")}]`, `[${got.join("; ")}]`);
  };
  if (rcodeName(actual.rcode) !== expected.rcode) differ("rcode", expected.rcode, rcodeName(actual.rcode));
  if (actual.aa !== expected.aa) differ("aa", expected.aa, actual.aa);

  const [wantAnswer, gotAnswer] = [normalize(expected.answer), normalize(actual.answer)];
  sameSet("answer", wantAnswer, gotAnswer);
  const [wantAliases, gotAliases] = [wantAnswer, gotAnswer].map((records) => [...new Set(records.filter(isAlias))]) as [string[], string[]];
  if (wantAliases.join() !== gotAliases.join()) differ("order of aliases", `[${wantAliases.join("; ")}]`, `[${gotAliases.join("; ")}]`);

  const [wantAuthority, gotAuthority] = [normalize(expected.authority), normalize(actual.authority)];
  const isNegative = wantAuthority.some((record) => / \d+ SOA /.test(record));
  const isReferral = wantAuthority.some((record) => / \d+ NS /.test(record) && !record.startsWith(`${origin} `));
  if (isNegative || isReferral) sameSet("authority", wantAuthority, gotAuthority);
  if (isReferral) sameSet("additional", normalize(expected.additional), normalize(actual.additional));
  return differences;
}
