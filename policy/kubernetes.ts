/**
 * Kubernetes objects as far as the policies look at them. The API server checks their form; the policies only read what is there.
 * During a preview, a property whose value is not known yet throws when it is read. Policies read no more than they need, so that
 * one unknown value does not keep the others from being checked.
 */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Metadata;
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface PodTemplate {
  readonly metadata?: Metadata;
  readonly spec?: PodSpec;
}

export interface PodSpec {
  readonly securityContext?: SecurityContext;
  readonly initContainers?: readonly Container[];
  readonly containers?: readonly Container[];
}

export interface SecurityContext {
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  /** Of containers only. */
  readonly readOnlyRootFilesystem?: boolean;
}

export interface Container {
  readonly name?: string;
  readonly image?: string;
  readonly securityContext?: SecurityContext;
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities };
  readonly env?: readonly { readonly name?: string; readonly value?: string }[];
}

export type Quantities = Readonly<Record<string, string | number>>;

/** A container, and where it is in its object. */
export interface PlacedContainer {
  readonly container: Container;
  /** Such as `container "web"` or `init container "migrate"`. */
  readonly place: string;
}

interface Templated {
  readonly template?: PodTemplate;
}

const TEMPLATED: ReadonlySet<string | undefined> = new Set([
  "Deployment",
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Job",
  "ReplicationController",
]);

/** What the pods of a workload are made from; undefined for an object that is not a workload. */
export function podTemplateOf(resource: KubernetesObject): PodTemplate | undefined {
  const { kind } = resource;
  if (kind === "Pod") return resource as PodTemplate;
  if (TEMPLATED.has(kind)) return (resource.spec as Templated | undefined)?.template;
  if (kind === "CronJob") return (resource.spec as { jobTemplate?: { spec?: Templated } } | undefined)?.jobTemplate?.spec?.template;
  return undefined;
}

/** All containers of a workload's pods, init containers first. Nothing for an object that is not a workload. */
export function containersOf(resource: KubernetesObject): PlacedContainer[] {
  const spec = podTemplateOf(resource)?.spec;
  const placed = (containers: readonly Container[] | undefined, kind: string): PlacedContainer[] =>
    (containers ?? []).map((container) => ({ container, place: `${kind} "${container.name}"` }));
  return [...placed(spec?.initContainers, "init container"), ...placed(spec?.containers, "container")];
}
