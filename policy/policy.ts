import type { KubernetesObject } from "./kubernetes.ts";

/** A rule for one Kubernetes object. */
export interface ResourcePolicy {
  readonly name: string;
  readonly description: string;
  readonly enforcementLevel: "advisory" | "mandatory";
  /** One sentence for each place of the object that breaks the rule, with the place and the remedy. Pure. */
  violations(resource: KubernetesObject): string[];
}

/** A rule about Kubernetes objects of a stack together. */
export interface StackPolicy {
  readonly name: string;
  readonly description: string;
  readonly enforcementLevel: "advisory" | "mandatory";
  /** The objects that break the rule, each with a sentence that says how. Pure. */
  stackViolations(resources: readonly KubernetesObject[]): { readonly resource: KubernetesObject; readonly message: string }[];
}
