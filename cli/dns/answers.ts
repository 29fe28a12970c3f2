import { z } from "zod";
import { CliError, UsageError } from "../errors.ts";

/** What a DNS server of the stack said to a command of its own: how that ended, or why the server could not be asked. */
export type Answer = { server: string } & ({ code: number; stdout: string; stderr: string } | { fault: string });

/** The part of a server's explanation (dns-server/README.md) that all servers should agree on. */
const explanation = z.looseObject({
  alias: z.string().optional(),
  ttl: z.looseObject({ seconds: z.number() }),
  targets: z.array(z.looseObject({ target: z.string(), verdict: z.string() })),
});

const refusal = z.object({ prefix: z.string(), action: z.string(), until: z.string().optional() });
export type Refusal = z.infer<typeof refusal>;

/** Servers that are told of a time limit one after another end it one after another, in milliseconds. */
const SAME_TIME = 60_000;

/** The answers of those that did what was asked for, and a line on each that did not. */
export interface Sorted {
  done: { server: string; stdout: string }[];
  /** Of servers that could not be asked, or failed. */
  faults: string[];
  /** Of servers that found fault with what was asked for. */
  refused: string[];
}

/** @throws UsageError when what was asked for is wrong to all that were reached; CliError when none was */
export function sortAnswers(answers: readonly Answer[]): Sorted {
  const sorted: Sorted = { done: [], faults: [], refused: [] };
  const messages = new Set<string>();
  for (const answer of answers) {
    if ("fault" in answer) sorted.faults.push(`${answer.server}: ${answer.fault}`);
    else if (answer.code === 0) sorted.done.push({ server: answer.server, stdout: answer.stdout });
    else {
      const message = answer.stderr.trim().replace(/^(peakdns|error): /, "");
      if (answer.code === 2) messages.add(message);
      (answer.code === 2 ? sorted.refused : sorted.faults).push(`${answer.server}: ${message || `exit code ${answer.code}`}`);
    }
  }
  if (sorted.done.length > 0) return sorted;
  if (sorted.refused.length > 0) throw new UsageError([...messages, ...sorted.faults].join("\n"));
  throw new CliError(`no DNS server of the stack did it:\n${sorted.faults.map((line) => `  ${line}`).join("\n")}`);
}

/** Where servers do not give the same answer for a name: a line for each difference. */
export function differences(explanations: readonly { server: string; explanation: unknown }[]): string[] {
  const facts = explanations.map(({ server, explanation: said }) => {
    const { alias, ttl, targets } = explanation.parse(said);
    const rows: [string, string][] = [["alias", alias ?? "none"], ["TTL", `${ttl.seconds} s`]];
    return { server, facts: new Map([...rows, ...targets.map(({ target, verdict }): [string, string] => [target, verdict])]) };
  });
  return [...new Set(facts.flatMap(({ facts }) => [...facts.keys()]))].flatMap((fact) => {
    const said = Map.groupBy(facts, ({ facts }) => facts.get(fact) ?? "unknown");
    if (said.size < 2) return [];
    return [`${fact}: ${[...said].map(([value, servers]) => `${value} (${servers.map(({ server }) => server).join(", ")})`).join(", ")}`];
  });
}

/** A refusal, and which servers have it. */
export interface SharedRefusal extends Refusal {
  servers: string[];
}

/** The refusals of all servers together: one entry for what they share, also where their clocks differ a little. */
export function shareRefusals(lists: readonly { server: string; refusals: readonly Refusal[] }[]): SharedRefusal[] {
  const shared: SharedRefusal[] = [];
  for (const { server, refusals } of lists) {
    for (const one of refusals) {
      const same = shared.find((other) => other.prefix === one.prefix && other.action === one.action && endTogether(other, one));
      if (!same) shared.push({ ...one, servers: [server] });
      else {
        same.servers.push(server);
        if (one.until !== undefined && one.until > same.until!) same.until = one.until;
      }
    }
  }
  return shared;
}

function endTogether(a: Refusal, b: Refusal): boolean {
  if (a.until === undefined || b.until === undefined) return a.until === b.until;
  return Math.abs(Date.parse(a.until) - Date.parse(b.until)) <= SAME_TIME;
}

/** What `refusals --json` of a server printed. */
export function parseRefusals(json: string): Refusal[] {
  return z.array(refusal).parse(JSON.parse(json));
}

/** A line a refusal; where not all servers have it, with those that do. */
export function refusalsText(refusals: readonly SharedRefusal[], servers: number): string {
  if (refusals.length === 0) return "no prefix is refused or dropped\n";
  const only = (have: readonly string[]) => (have.length < servers ? `\tonly ${have.join(", ")}` : "");
  return refusals.map(({ prefix, action, until, servers: have }) => `${prefix}\t${action}\t${until ?? "for good"}${only(have)}\n`).join("");
}
