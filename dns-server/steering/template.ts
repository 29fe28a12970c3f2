/** What the placeholders of a PromQL template stand for. */
export interface TemplateValues {
  readonly namespace: string;
  readonly clusterName: string | undefined;
  /** For a template that is asked once for each pod. */
  readonly podName?: string;
  /** All pods of the domain. */
  readonly pods: readonly string[];
}

const PLACEHOLDERS = ["%namespace%", "%pod-name%", "%cluster-name%", "%pods%"] as const;

/** Characters of a template: a text of anybody's is asked again and again, of a Prometheus that is everybody's. */
const MAX_LENGTH = 4096;

/** Names of objects and clusters. Of these characters only the dot means something in a regular expression, and none ends a string. */
const PLAIN = /^[A-Za-z0-9._-]+$/;

/** Strings and comments of PromQL. */
const TOKENS = /#[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g;

/** Whether a name can stand in a template: every name of Kubernetes can. */
export const isPlainName = (name: string): boolean => PLAIN.test(name);

/** Whether a template has to be asked once for each pod; else one answer is for all pods, told apart by the label `pod`. */
export const isPerPod = (template: string): boolean => template.includes("%pod-name%");

/** The template with the word in its place that `dns.peak/cluster-type` says; without one it stays, and is told with the query that has it. */
export const withClusterType = (template: string, clusterType: string | undefined): string =>
  clusterType === undefined ? template : template.replaceAll("%cluster-type%", clusterType);

/**
 * Checks what Prometheus cannot know to be wrong: to it a misspelt placeholder is a name that matches nothing.
 * @returns what is wrong, or undefined
 */
export function templateFault(template: string, clusterName: string | undefined): string | undefined {
  if (template.trim() === "") return "the query is empty";
  if (template.length > MAX_LENGTH) return `the query is longer than ${MAX_LENGTH} characters`;
  if (template.includes("%cluster-name%") && clusterName === undefined)
    return "%cluster-name% is in the query, but the server's configuration has no key clusterName";
  if (template.includes("%cluster-type%"))
    return "%cluster-type% is in the query, but no annotation dns.peak/cluster-type says what it stands for";
  let rest = "";
  let end = 0;
  for (const { 0: token, index } of template.matchAll(TOKENS)) {
    rest += template.slice(end, index);
    end = index + token.length;
    if (token.startsWith("#")) continue;
    const unknown = token.match(/%[a-z]+(?:[-_][a-z]+)*%/gi)?.find((found) => !PLACEHOLDERS.some((known) => known === found));
    if (unknown !== undefined) return `${unknown} in the query is none of ${PLACEHOLDERS.join(", ")}`;
    if (token.includes("%pods%") && /[^!=<>]!?=\s*$/.test(rest))
      return `%pods% is a regular expression: write =~${token} instead of =${token}`;
    rest += '""';
  }
  rest += template.slice(end);
  if (rest.includes("%pods%")) return '%pods% must stand in a string, such as pod=~"%pods%"';
  return undefined;
}

/** How long a template is with its placeholders replaced: `%pods%` in it may stand for much. */
export function expandedLength(template: string, { namespace, clusterName, podName, pods }: TemplateValues): number {
  const more = (placeholder: string, length: number): number => (template.split(placeholder).length - 1) * (length - placeholder.length);
  return (
    template.length +
    more("%namespace%", namespace.length) +
    more("%cluster-name%", clusterName?.length ?? 0) +
    more("%pod-name%", podName?.length ?? 0) +
    (template.includes("%pods%") ? more("%pods%", podsPattern(pods).length) : 0)
  );
}

/** A template with its placeholders replaced. Names that cannot stand in one are left out of `%pods%`. */
export function expandTemplate(template: string, { namespace, clusterName, podName, pods }: TemplateValues): string {
  return template
    .replaceAll("%namespace%", () => namespace)
    .replaceAll("%cluster-name%", () => clusterName ?? "")
    .replaceAll("%pod-name%", () => podName ?? "")
    .replaceAll("%pods%", () => podsPattern(pods));
}

/**
 * A regular expression (RE2) for exactly these names. A dot is escaped as a class, since a backslash would need another one in some strings
 * of PromQL and not in others. Without a name it matches nothing: no object has a name that begins with a hyphen.
 */
function podsPattern(pods: readonly string[]): string {
  const names = pods.filter(isPlainName).map((name) => name.replaceAll(".", "[.]"));
  return `^(?:${names.length > 0 ? names.join("|") : "-"})$`;
}
