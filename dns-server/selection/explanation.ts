import { z } from "zod";
import type { Domain } from "../model/domain.ts";
import type { SteeringSettings } from "../steering/steering.ts";
import { short } from "../steering/threshold.ts";
import { formatIpv4, formatIpv6 } from "../wire/address.ts";
import { formatName } from "../wire/name.ts";
import type { Selector } from "./selector.ts";

/** Why a name is answered as it is. Times in seconds. What is not known, or does not apply, is absent. */

const query = z.object({
  template: z.string(),
  /** As Prometheus last answered it. */
  sent: z.string().optional(),
  age: z.number().optional(),
  error: z.string().optional(),
  /** Not asked any more until its text changes. */
  broken: z.boolean(),
  warnings: z.array(z.string()),
});

export const explanation = z.object({
  name: z.string(),
  namespace: z.string(),
  alias: z.string().optional(),
  view: z.object({
    version: z.number(),
    /** Since it was made. */
    age: z.number(),
    /** How long what it follows is away. */
    frozen: z.number().optional(),
    error: z.string().optional(),
  }),
  ttl: z.object({ seconds: z.number(), how: z.string(), query: query.optional() }),
  steering: z
    .object({
      policy: z.string(),
      threshold: z.object({ value: z.number(), readmission: z.number(), how: z.string() }).optional(),
      query,
    })
    .optional(),
  prometheus: z.object({ url: z.string(), lost: z.object({ seconds: z.number(), message: z.string() }).optional() }).optional(),
  /** Whether most probes fail, so that verdicts by probes are held. */
  probesFrozen: z.boolean(),
  targets: z.array(
    z.object({
      target: z.string(),
      addresses: z.array(z.string()),
      node: z.string().optional(),
      /** As Kubernetes says. */
      state: z.string(),
      verdict: z.string(),
      /** How long the verdict is this, and what it was before. */
      age: z.number(),
      before: z.string().optional(),
      load: z.number().optional(),
      /** What is particular about how it is steered. */
      note: z.string().optional(),
      probe: z
        .object({ probe: z.string(), last: z.string().optional(), age: z.number().optional(), failures: z.number(), out: z.boolean() })
        .optional(),
    }),
  ),
});

export type Explanation = z.output<typeof explanation>;

/** Explains what was last chosen for a domain. */
export function explainDomain(
  domain: Domain,
  selector: Selector,
  view: Explanation["view"],
  { prometheus }: SteeringSettings,
): Explanation {
  const { name, namespace, alias, targets } = domain;
  const { steering, prober } = selector;
  const selected = selector.selections().get(name);
  const report = steering.report(name);
  const ttlQuery = steering.ttlReport(name);
  const lost = steering.lostSince();
  const now = Date.now();
  return explanation.parse({
    name: formatName(name),
    namespace,
    alias: alias && formatName(alias),
    view,
    ttl: { ...(selected?.ttl ?? { seconds: 0, how: "unknown" }), query: ttlQuery },
    steering: report,
    prometheus: prometheus && { url: prometheus.url, lost },
    probesFrozen: prober.counts().frozen,
    targets: targets.map((target) => {
      const judged = selected?.verdicts.get(target.key);
      return {
        target: target.key,
        addresses: [...(target.ipv6 ? [formatIpv6(target.ipv6)] : []), ...(target.ipv4 ? [formatIpv4(target.ipv4)] : [])],
        node: target.node,
        state: target.state,
        verdict: judged?.verdict ?? target.state,
        age: judged ? (now - judged.since) / 1000 : 0,
        before: judged?.before,
        load: report?.loads.get(target.key),
        note: report?.notes.get(target.key),
        probe: prober.report(target),
      };
    }),
  } satisfies Record<keyof Explanation, unknown>);
}

/** An explanation for a terminal. */
export function renderExplanation({ name, namespace, alias, view, ttl, steering, prometheus, probesFrozen, targets }: Explanation): string {
  const given = targets.filter(({ verdict }) => verdict === "in").length;
  const facts: [string, string][] = [
    ["name", `${name} (namespace ${namespace})`],
    ...(alias === undefined ? [] : [["alias of", alias] satisfies [string, string]]),
    ["answer", alias === undefined ? `${given} of ${targets.length} targets` : "the alias"],
    ["TTL", `${ttl.seconds} s (${ttl.how})`],
    ["view", `version ${view.version}, ${duration(view.age)} old`],
  ];
  if (view.frozen !== undefined)
    facts.push(["", `FROZEN for ${duration(view.frozen)}: the Kubernetes API is away: ${view.error ?? "not connected yet"}`]);
  if (probesFrozen) facts.push(["probes", "FROZEN: more than half of all targets fail at once, so the fault may be ours"]);
  if (steering) {
    facts.push(["policy", steering.policy]);
    const { threshold } = steering;
    if (threshold)
      facts.push(["threshold", `${short(threshold.value)} (${threshold.how}); back in at ${short(threshold.readmission)} or less`]);
    facts.push(...renderQuery("query", steering.query));
  }
  if (ttl.query) facts.push(...renderQuery("TTL query", ttl.query));
  if ((steering || ttl.query) && prometheus) {
    const { url, lost } = prometheus;
    facts.push(["Prometheus", lost ? `${url}: FROZEN for ${duration(lost.seconds)}: ${lost.message}` : url]);
  }
  const width = Math.max(...facts.map(([label]) => label.length));
  const head = facts.map(([label, text]) => `${label.padEnd(width)}  ${text}`);
  if (targets.length === 0) return `${head.join("\n")}\n`;
  const rows = targets.map(({ target, addresses, node, state, verdict, age, before, load, probe }) => [
    target,
    verdict,
    duration(age) + (before === undefined ? "" : ` (was ${before})`),
    load === undefined ? "-" : short(load),
    probe ? renderProbe(probe) : "-",
    state,
    node ?? "-",
    addresses.join(" ") || "-",
  ]);
  const notes = targets.flatMap(({ target, note }) => (note === undefined ? [] : `${target} ${note}\n`));
  return `${head.join("\n")}\n\n${table([["TARGET", "VERDICT", "FOR", "LOAD", "PROBE", "KUBERNETES", "NODE", "ADDRESSES"], ...rows])}${notes.length > 0 ? `\n${notes.join("")}` : ""}`;
}

function renderQuery(label: string, { template, sent, age, error, broken, warnings }: z.output<typeof query>): [string, string][] {
  const lines: [string, string][] = [[label, sent ?? template]];
  if (age !== undefined) lines.push(["", `answered ${duration(age)} ago`]);
  else if (error === undefined) lines.push(["", "not answered yet"]);
  if (error !== undefined)
    lines.push(["", `${broken ? "BROKEN, not asked any more until it changes" : "the last attempt failed"}: ${error}`]);
  for (const warning of warnings) lines.push(["", `warning: ${warning}`]);
  return lines;
}

function renderProbe({ probe, last, failures }: NonNullable<Explanation["targets"][number]["probe"]>): string {
  if (last === undefined) return `${probe} not yet`;
  return `${probe} ${last}${failures > 0 ? ` x${failures}` : ""}`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
