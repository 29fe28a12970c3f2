import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../testing/random-zone.ts";
import type { ZoneFile } from "../testing/peers.ts";

/** Zones and question files of the benchmark: the same on every run. */

export interface Row {
  readonly name: string;
  readonly zones: readonly ZoneFile[];
  /** Questions in dnsperf's format. */
  readonly questions: string;
  /** Further flags of dnsperf. */
  readonly flags: readonly string[];
}

const NAMES = 1000;
const BIG_NAMES = 100_000;
const QUESTIONS = 50_000;

const HEAD = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns AAAA 2001:db8::53\n";

/** Writes zones and questions into `folder`. */
export function benchRows(folder: string): Row[] {
  const random = seededRandom(1);
  const zone = (origin: string, records: string): ZoneFile => {
    const file = join(folder, `${origin}zone`);
    writeFileSync(file, HEAD + records);
    return { origin, file };
  };
  const questions = (name: string, question: (index: number) => string): string => {
    const file = join(folder, `${name}.questions`);
    writeFileSync(file, Array.from({ length: QUESTIONS }, () => `${question(Math.floor(random() * 1e9))} AAAA\n`).join(""));
    return file;
  };
  const lines = (count: number, line: (index: number) => string): string => Array.from({ length: count }, (_, i) => line(i)).join("");
  const address = (i: number, k: number): string => `2001:db8:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::${k}`;

  const small = [
    zone(
      "pods.test.",
      lines(NAMES, (i) => [1, 2, 3, 4].map((k) => `n${i} AAAA ${address(i, k)}\n`).join("")),
    ),
    zone(
      "root.test.",
      lines(NAMES, (i) => [1, 2].map((k) => `c${i} NS ns${k}.c${i}\nns${k}.c${i} AAAA ${address(i, k)}\n`).join("")),
    ),
  ];
  const big = [
    zone(
      "big.test.",
      lines(BIG_NAMES, (i) => `n${i} AAAA ${address(i, 1)}\n`),
    ),
  ];
  const positive = questions("positive", (i) => `n${i % NAMES}.pods.test`);
  return [
    { name: "1,000 names x 4 AAAA", zones: small, questions: positive, flags: [] },
    { name: "referrals", zones: small, questions: questions("referral", (i) => `www.c${i % NAMES}.root.test`), flags: [] },
    { name: "NXDOMAIN", zones: small, questions: questions("nxdomain", (i) => `x${i}.pods.test`), flags: [] },
    { name: "EDNS with cookies", zones: small, questions: positive, flags: ["-E", "10:0102030405060708"] },
    { name: "TCP", zones: small, questions: positive, flags: ["-m", "tcp"] },
    { name: "100,000 names", zones: big, questions: questions("big", (i) => `n${i % BIG_NAMES}.big.test`), flags: [] },
  ];
}
