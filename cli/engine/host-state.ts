import type { ExportedStack } from "./state.ts";

/** A resource in an exported stack, with what refers to others. */
interface StateResource {
  urn: string;
  type: string;
  parent?: string;
  protect?: boolean;
  retainOnDelete?: boolean;
  dependencies?: string[];
  propertyDependencies?: Record<string, string[] | null>;
  deletedWith?: string;
  outputs?: Record<string, unknown>;
}

/** Components that are a host, named as it is. */
const hostTypes = ["peak:node:VirtualPi", "peak:node:Board"];

/**
 * A stack without what was done on a host over SSH, to be used when that host is gone: nothing that is left has to reach it. What the stack
 * has for the host elsewhere (keys, a virtual Pi, objects in Kubernetes) stays, so that the next update takes it away, or makes the host
 * anew. So does what the host held (a volume), without its protection: its data is gone with the host. The host is also no longer among the
 * machines that the stack's outputs name. Pure.
 * @returns the stack, and the URNs that it is without
 */
export function withoutHost<T extends ExportedStack>(stack: T, host: string): { stack: T; removed: string[] } {
  const resources = (stack.deployment.resources ?? []) as StateResource[];
  const own = new Set<string>();
  // To leave a board is to reach it; a virtual Pi is taken away from without.
  const isBoard = resources.some(({ urn, type }) => type === "peak:node:Board" && urn.endsWith(`::${host}`));
  // Parents come before their children.
  for (const { urn, type, parent } of resources) {
    if ((hostTypes.includes(type) && urn.endsWith(`::${host}`)) || (parent !== undefined && own.has(parent))) own.add(urn);
  }
  const reaches = (resource: StateResource) =>
    own.has(resource.urn)
      ? resource.type.startsWith(isBoard ? "command:" : "command:remote:")
      : resource.type.startsWith("command:") && references(resource).some((urn) => own.has(urn));
  const removed = new Set(resources.filter(reaches).map(({ urn }) => urn));
  const lost = lostWith(removed, resources);
  const kept = resources.filter(({ urn }) => !removed.has(urn)).map((resource) =>
    withoutMachine(withoutReferences(lost.has(resource.urn) ? withoutProtection(resource) : resource, removed), host));
  return { stack: { ...stack, deployment: { ...stack.deployment, resources: kept } }, removed: [...removed] };
}

/** What the removed resources were part of, and what was made on top of either. */
function lostWith(removed: ReadonlySet<string>, resources: readonly StateResource[]): Set<string> {
  const lost = new Set(removed);
  // Children come after their parents.
  for (const { urn, parent } of resources.toReversed()) if (lost.has(urn) && parent !== undefined) lost.add(parent);
  for (const resource of resources) if (references(resource).some((urn) => removed.has(urn))) lost.add(resource.urn);
  return lost;
}

function withoutProtection({ protect: _, retainOnDelete: __, ...resource }: StateResource): StateResource {
  return resource;
}

/** What a resource must not outlive or be made before, its parent apart. */
function references({ dependencies = [], propertyDependencies = {}, deletedWith }: StateResource): string[] {
  return [...dependencies, ...Object.values(propertyDependencies).flatMap((urns) => urns ?? []), ...(deletedWith === undefined ? [] : [deletedWith])];
}

function withoutReferences(resource: StateResource, removed: ReadonlySet<string>): StateResource {
  const { dependencies, propertyDependencies, deletedWith, ...rest } = resource;
  const left = (urns: string[] | null) => urns?.filter((urn) => !removed.has(urn)) ?? null;
  return {
    ...rest,
    ...(dependencies && { dependencies: left(dependencies)! }),
    ...(propertyDependencies && {
      propertyDependencies: Object.fromEntries(Object.entries(propertyDependencies).map(([property, urns]) => [property, left(urns)])),
    }),
    ...(deletedWith !== undefined && !removed.has(deletedWith) && { deletedWith }),
  };
}

function withoutMachine(resource: StateResource, host: string): StateResource {
  if (resource.type !== "pulumi:pulumi:Stack" || resource.outputs === undefined) return resource;
  const rest = Object.entries(resource.outputs).map(([output, value]): [string, unknown] => {
    const machines = (output === "nodes" || output === "clients") && Array.isArray(value);
    return [output, machines ? value.filter((machine: { name?: unknown }) => machine.name !== host) : value];
  });
  return { ...resource, outputs: Object.fromEntries(rest) };
}
