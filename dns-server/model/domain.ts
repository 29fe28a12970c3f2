import type { Name } from "../wire/name.ts";

/**
 * What the objects of a cluster ask DNS for, as plain values. The watch makes it; probes, steering and records are made from it.
 */

/** A name that leads to endpoints, or to another name. */
export interface Domain {
  /** Folded and absolute; its first label is `*` where it stands for all names below. */
  readonly name: Name;
  /**
   * The zone that it is in: its own, since the parent delegates it; that of the name above for a wildcard and for an alias, which cannot be
   * delegated.
   */
  readonly origin: Name;
  /** The namespace that owns the origin. */
  readonly namespace: string;
  /** The object to which Events about the name belong. */
  readonly owner: ObjectRef;
  readonly targets: readonly Target[];
  /** The name that it is another name of (CNAME); it has no targets then. */
  readonly alias: Name | undefined;
  /** Whether targets have no names of their own below it. */
  readonly onlyTop: boolean;
  /** Leaves out the overloaded; none: all that are ready are given. */
  readonly steering: SteeringSpec | undefined;
  /** TTL of addresses; the server's default when absent. */
  readonly ttl: TtlSpec | undefined;
}

export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for an object of the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One endpoint of a domain: a pod, or an address that an EndpointSlice names. */
export interface Target {
  /** `NAMESPACE/NAME` of the pod; the address where there is no pod. */
  readonly key: string;
  readonly namespace: string;
  /** Of the pod: what `%pod-name%` stands for. */
  readonly name: string;
  /** First label of the target's own name below the domain; none where there is no pod. */
  readonly label: string | undefined;
  readonly node: string | undefined;
  readonly ipv6: Uint8Array | undefined;
  readonly ipv4: Uint8Array | undefined;
  /** What Kubernetes knows of it. */
  readonly state: TargetState;
  readonly ports: readonly Port[];
  /** How to see for ourselves that it answers; none: not at all. */
  readonly probe: ProbeSpec | undefined;
}

/** `node lost`: ready by its own last word, but Kubernetes has no contact to its node. */
export type TargetState = "ready" | "not ready" | "terminating" | "node lost";

export interface Port {
  /** As the pod or EndpointSlice names it; SRV records need a name. */
  readonly name: string | undefined;
  readonly port: number;
  readonly protocol: "TCP" | "UDP" | "SCTP";
}

export type ProbeSpec =
  { readonly kind: "tcp"; readonly port: number } | { readonly kind: "http"; readonly port: number; readonly path: string };

/** Annotations `dns.peak/loadbalance`, `-mode`, `dns.peak/overload-threshold`, resolved. */
export interface SteeringSpec {
  readonly policy: "round-robin" | "single-best" | "least-loaded";
  /**
   * PromQL with `%pods%`, or `%namespace%`, `%pod-name%`, `%cluster-name%` (paper). A ConfigMap's text and `%cluster-type%` are already in
   * their places.
   */
  readonly query: string;
  readonly threshold:
    { readonly kind: "average-relative"; readonly factor: number } | { readonly kind: "absolute"; readonly value: number };
}

/** Seconds; or a PromQL text whose value is seconds; or the time to the next possible change. */
export type TtlSpec =
  { readonly kind: "fixed"; readonly seconds: number } | { readonly kind: "query"; readonly query: string } | { readonly kind: "auto" };

/** What is wrong with an object: told as an Event of it. */
export interface Fault {
  readonly object: ObjectRef;
  /** One word, as Events have it: `InvalidAnnotation`. */
  readonly reason: string;
  /** What, where and what to do about it. */
  readonly message: string;
}

/** Why a target is in the answer or not. `ready` and what follows from it is the server's, the rest Kubernetes'. */
export type Verdict = "in" | Exclude<TargetState, "ready"> | "no address" | "probe failed" | "overloaded" | "not the best";
