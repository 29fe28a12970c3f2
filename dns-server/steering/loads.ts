import type { Target } from "../model/domain.ts";
import type { Name } from "../wire/name.ts";
import type { Demand } from "./bounds.ts";
import { QueryError, type Prometheus, type Sample } from "./prometheus.ts";
import { expandedLength, expandTemplate, isPerPod, isPlainName } from "./template.ts";

/** Whose loads are asked for. */
export interface Subject {
  readonly namespace: string;
  readonly clusterName: string | undefined;
  readonly candidates: readonly Target[];
}

/** The answer to a template. */
export interface TemplateAnswer<T> {
  readonly value: T;
  /** The query as it was sent; of a template that is asked once for each pod, the first. */
  readonly sent: string;
  readonly warnings: readonly string[];
}

/** Loads by target key; without those that have none. */
export type Loads = ReadonlyMap<string, number>;

type Asker = Pick<Prometheus, "query">;

/**
 * Asks for the loads of all candidates: with one request, or with one for each pod, all of which must succeed.
 * @throws QueryError
 */
export const askLoads = (prometheus: Asker, template: string, subject: Subject): Promise<TemplateAnswer<Loads>> =>
  isPerPod(template) ? askPerPod(prometheus, template, subject) : askTogether(prometheus, template, subject);

/** What is asked for a subject in a round, by the templates for loads and TTL. */
export function demandOf(domain: Name, subject: Subject, templates: readonly string[]): Demand {
  const { namespace, candidates } = subject;
  const pods = podNames(candidates);
  let [queries, longest, characters] = [0, 0, 0];
  for (const template of templates) {
    const asked = isPerPod(template) ? Math.max(1, candidates.filter(({ name }) => isPlainName(name)).length) : 1;
    const podName = pods.reduce((longer, name) => (name.length > longer.length ? name : longer), "");
    const length = expandedLength(template, { ...subject, podName, pods });
    queries += asked;
    longest = Math.max(longest, length);
    characters += asked * length;
  }
  return { domain, namespace, queries, longest, characters };
}

/**
 * Asks for a number of seconds: of several samples the lowest.
 * @throws QueryError, also when there is no finite sample
 */
export async function askSeconds(prometheus: Asker, template: string, subject: Subject): Promise<TemplateAnswer<number>> {
  if (isPerPod(template)) throw new QueryError("rejected", "a TTL is the domain's, not a pod's: it cannot be asked with %pod-name%");
  const sent = expandTemplate(template, { ...subject, pods: podNames(subject.candidates) });
  const { samples, warnings } = await prometheus.query(sent);
  const finite = samples.map(({ value }) => value).filter(Number.isFinite);
  if (finite.length === 0) throw new QueryError("failed", "the query for the TTL gives no number");
  return { value: Math.min(...finite), sent, warnings };
}

async function askTogether(prometheus: Asker, template: string, subject: Subject): Promise<TemplateAnswer<Loads>> {
  const { candidates } = subject;
  const sent = expandTemplate(template, { ...subject, pods: podNames(candidates) });
  const { samples, warnings } = await prometheus.query(sent);
  return { value: loadsByLabel(samples, candidates), sent, warnings };
}

async function askPerPod(prometheus: Asker, template: string, subject: Subject): Promise<TemplateAnswer<Loads>> {
  const candidates = subject.candidates.filter(({ name }) => isPlainName(name));
  const pods = podNames(candidates);
  // a template is checked by Prometheus also while there is no pod; no pod has this name
  const asked = candidates.length > 0 ? candidates : [{ key: "", namespace: subject.namespace, name: "-" }];
  const giveUp = new AbortController();
  let sent = "";
  const warnings = new Set<string>();
  const loads = new Map<string, number>();
  const ask = async ({ key, namespace, name }: { key: string; namespace: string; name: string }, index: number): Promise<void> => {
    const query = expandTemplate(template, { ...subject, namespace, podName: name, pods });
    if (index === 0) sent = query;
    if (giveUp.signal.aborted) return;
    const result = await prometheus.query(query, giveUp.signal);
    for (const warning of result.warnings) warnings.add(warning);
    const load = highest(result.samples);
    if (load !== undefined) loads.set(key, load);
  };
  try {
    await Promise.all(asked.map(ask));
  } catch (error) {
    // the others would not make the answer whole any more
    giveUp.abort();
    throw error;
  }
  return { value: loads, sent, warnings: [...warnings] };
}

/**
 * Loads of a vector by its labels `pod` and, where it is there, `namespace`. A pod with several samples has the highest; NaN and infinities
 * are none.
 * @throws QueryError when it has samples, and none with a label `pod`
 */
export function loadsByLabel(samples: readonly Sample[], candidates: readonly Target[]): Loads {
  const byPod = Map.groupBy(samples, ({ labels }) => labels["pod"]);
  if (samples.length > 0 && byPod.size === 1 && byPod.has(undefined))
    throw new QueryError("failed", "the result has no label pod: aggregate with by (pod), or ask with %pod-name%");
  const loads = new Map<string, number>();
  for (const { key, namespace, name } of candidates) {
    const own = byPod.get(name)?.filter(({ labels }) => (labels["namespace"] ?? namespace) === namespace);
    const load = own && highest(own);
    if (load !== undefined) loads.set(key, load);
  }
  return loads;
}

function highest(samples: readonly Sample[]): number | undefined {
  const finite = samples.map(({ value }) => value).filter(Number.isFinite);
  return finite.length === 0 ? undefined : Math.max(...finite);
}

const podNames = (candidates: readonly Target[]): string[] => candidates.map(({ name }) => name);
