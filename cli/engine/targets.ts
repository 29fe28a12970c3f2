import { label } from "../display/progress.ts";
import { UsageError } from "../errors.ts";
import type { KnownResource } from "./state.ts";

/** What of a stack an operation is about, as the user names it: URNs, names (`pi2`), or types with names (`VirtualPi pi2`). */
export interface Selection {
  /** Nothing else is changed; empty: everything may be. */
  target?: readonly string[];
  /** Replaced even where nothing of them has changed. */
  replace?: readonly string[];
}

/** How many candidates an error lists. */
const LISTED = 20;

/**
 * The URNs of a selection. A component stands for all that is in it.
 * @param resources what the stack has
 * @throws UsageError that lists the candidates when a name means nothing, or several things
 */
export function resolveSelection(stack: string, { target = [], replace = [] }: Selection, resources: readonly KnownResource[]) {
  const urns = (names: readonly string[]) => [...new Set(names.flatMap((name) => withParts(find(stack, name, resources), resources)))];
  const custom = new Set(resources.filter((resource) => resource.custom).map(({ urn }) => urn));
  return {
    ...(target.length > 0 && { target: urns(target) }),
    // There is nothing to a component itself that could be replaced.
    ...(replace.length > 0 && { replace: urns(replace).filter((urn) => custom.has(urn)) }),
  };
}

function find(stack: string, name: string, resources: readonly KnownResource[]): KnownResource {
  const named = resources.filter(({ urn }) => urn === name || label(urn) === name || nameOf(urn) === name);
  // A component and something in it of the same name: the component.
  const outermost = named.filter((resource) => !named.some((other) => other !== resource && isIn(resource, other, resources)));
  const [only] = outermost;
  if (only && outermost.length === 1) return only;
  if (only) throw new UsageError(`${name} is the name of several resources of the stack ${stack}; which?\n${list(outermost)}`);
  if (resources.length === 0) throw new UsageError(`there is no resource ${name}: the stack ${stack} has none yet`);
  const like = resources.filter(({ urn }) => label(urn).toLowerCase().includes(name.toLowerCase()));
  const candidates = like.length > 0 ? like : resources.filter(({ custom }) => !custom);
  throw new UsageError(`there is no resource ${name} in the stack ${stack}; there are, among others:\n${list(candidates)}`);
}

/** A resource, and all that is in it. */
function withParts(whole: KnownResource, resources: readonly KnownResource[]): string[] {
  return [whole.urn, ...resources.filter((resource) => resource !== whole && isIn(resource, whole, resources)).map(({ urn }) => urn)];
}

function isIn(resource: KnownResource, whole: KnownResource, resources: readonly KnownResource[]): boolean {
  const parent = resources.find(({ urn }) => urn === resource.parent);
  return parent !== undefined && (parent === whole || isIn(parent, whole, resources));
}

/** Labels, or URNs where the labels are the same. */
function list(resources: readonly KnownResource[]): string {
  const labels = resources.map(({ urn }) => label(urn));
  const words = resources.map(({ urn }, index) => (labels.indexOf(labels[index]!) === labels.lastIndexOf(labels[index]!) ? labels[index]! : urn));
  const lines = words.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).slice(0, LISTED).map((word) => `  ${word}`);
  return [...lines, ...(words.length > LISTED ? [`  and ${words.length - LISTED} more`] : [])].join("\n");
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
