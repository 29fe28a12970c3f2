/** Zones and questions at random, the same for the same seed, dense with what is hard: wildcards, aliases, cuts, empty non-terminals. */

export type Random = () => number;

/** mulberry32: small, and the same everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
const LABELS = ["a", "b", "c", "www", "*"];
export const QUERY_TYPES = ["A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DNAME", "SRV", "DS", "CAA", "HTTPS"] as const;

/** A name at or below the origin, at most `depth` labels deeper. */
export function randomName(random: Random, origin: string, depth = 4): string {
  const labels: string[] = [];
  for (let length = Math.floor(random() * (depth + 1)); labels.length < length;) labels.push(pick(random, LABELS));
  return [...labels, origin].join(".");
}

/** Master-file text of a zone that every server accepts: no CNAME beside other data, nothing below a DNAME, no wildcard delegation. */
export function randomZone(random: Random, origin: string): string {
  const owners = new Map<string, Set<string>>();
  const lines = [
    `${origin} 300 IN SOA ns.${origin} h.${origin} 1 3600 600 86400 60`,
    `${origin} 300 IN NS ns.${origin}`,
    `ns.${origin} 300 IN AAAA 2001:db8::53`,
  ];
  owners.set(origin, new Set(["SOA", "NS"]));
  owners.set(`ns.${origin}`, new Set(["AAAA"]));
  const target = (): string => (random() < 0.15 ? `${pick(random, LABELS.slice(0, 4))}.elsewhere.test.` : randomName(random, origin, 3));
  for (let records = 3 + Math.floor(random() * 14); records > 0; records--) {
    const owner = randomName(random, origin, 4);
    const types = owners.get(owner) ?? new Set<string>();
    const type = pick(random, ["A", "A", "AAAA", "TXT", "MX", "CNAME", "CNAME", "NS", "DNAME", "SRV"]);
    const wildcard = owner.startsWith("*");
    const blocked = types.has("CNAME") || types.has("DNAME") || (types.has("NS") && owner !== origin);
    if (blocked || ((type === "CNAME" || type === "DNAME") && types.size > 0)) continue;
    if (type === "NS" && (wildcard || owner === origin || types.size > 0)) continue;
    if (type === "DNAME" && (wildcard || owner === origin)) continue;
    const hidden = [...owners].some(
      ([name, has]) => (type === "DNAME" && name.endsWith(`.${owner}`)) || (has.has("DNAME") && owner.endsWith(`.${name}`)),
    );
    if (hidden) continue;
    types.add(type);
    owners.set(owner, types);
    const data: Record<string, () => string> = {
      A: () => `192.0.2.${1 + Math.floor(random() * 250)}`,
      AAAA: () => `2001:db8::${(1 + Math.floor(random() * 60_000)).toString(16)}`,
      TXT: () => '"text"',
      MX: () => `10 ${target().replace(/^\*\./, "x.")}`,
      SRV: () => `1 1 80 ${target().replace(/^\*\./, "x.")}`,
      CNAME: target,
      DNAME: target,
      NS: () => (random() < 0.5 ? `ns.${owner}` : target().replaceAll("*.", "x.")),
    };
    lines.push(`${owner} 300 IN ${type} ${data[type]!()}`);
    if (type === "NS") {
      if (random() < 0.7) lines.push(`ns.${owner} 300 IN AAAA 2001:db8::54`);
      if (random() < 0.3) lines.push(`${owner} 300 IN DS 1 13 2 ${"ab".repeat(32)}`);
    }
  }
  return `${[...new Set(lines)].join("\n")}\n`;
}
