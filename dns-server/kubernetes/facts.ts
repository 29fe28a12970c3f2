import type { Port } from "../model/domain.ts";

/** What is kept of each object of the cluster: only what answers depend on, as plain values. Equal facts, equal answers. */

/** An annotation or label that says something to this server. Annotations win over labels of the same key. */
export interface Setting {
  readonly text: string;
  readonly from: "annotation" | "label";
}

export type Settings = Readonly<Record<string, Setting>>;

export interface Meta {
  /** Empty for an object of the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly settings: Settings;
  /** The object that controls it. */
  readonly controller: { readonly kind: string; readonly name: string } | undefined;
}

export interface PodFacts extends Meta {
  readonly ready: boolean;
  /** When it became ready or ceased to be, milliseconds since the epoch. */
  readonly readySince: number | undefined;
  readonly terminating: boolean;
  readonly node: string | undefined;
  /** As Kubernetes reports them, at most one of each family. */
  readonly ipv6: Uint8Array | undefined;
  readonly ipv4: Uint8Array | undefined;
  /** That its containers declare. */
  readonly ports: readonly Port[];
}

export interface NodeFacts extends Meta {
  /** As its kubelet says; `lost` when that has not reported for a while. */
  readonly state: "ready" | "not ready" | "lost";
  /** When it was lost, milliseconds since the epoch. */
  readonly lostSince: number | undefined;
}

/** Deployments and what else makes pods. */
export interface WorkloadFacts extends Meta {
  /** Of the pods that it makes from now on. */
  readonly template: Settings;
}

export interface SliceFacts extends Meta {
  readonly service: string;
  readonly endpoints: readonly SliceEndpoint[];
  readonly ports: readonly Port[];
  /** When what it was made of changed, milliseconds since the epoch. */
  readonly triggered: number | undefined;
}

export interface SliceEndpoint {
  readonly ipv6: Uint8Array | undefined;
  readonly ipv4: Uint8Array | undefined;
  readonly address: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  readonly node: string | undefined;
  /** Name of the pod in the slice's namespace. */
  readonly pod: string | undefined;
}

export interface ServiceFacts extends Meta {
  readonly type: string;
  readonly headless: boolean;
  /** Whether its pods are to be found before they are ready, and until they are gone. */
  readonly publishesNotReady: boolean;
  readonly clusterAddresses: readonly string[];
  /** By which it is reached from outside, whoever sees to that. */
  readonly externalAddresses: readonly string[];
  /** What a load balancer in front of it has, addresses and names. */
  readonly balancers: readonly string[];
  readonly externalName: string | undefined;
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

export interface ConfigMapFacts extends Meta {
  /** Texts short enough to be a query. */
  readonly data: Readonly<Record<string, string>>;
}

export interface IngressClassFacts extends Meta {
  readonly controllerName: string;
}

export interface IngressFacts extends Meta {
  readonly className: string | undefined;
  readonly rules: readonly IngressRule[];
  /** Of hosts without paths. */
  readonly defaultBackend: IngressPath | undefined;
  readonly hasTls: boolean;
  /** Keys of annotations that are for other controllers. */
  readonly foreign: readonly string[];
  /** What `status.loadBalancer.ingress` holds. */
  readonly published: readonly { readonly hostname: string | undefined; readonly ip: string | undefined }[];
}

export interface IngressRule {
  readonly host: string;
  readonly paths: readonly IngressPath[];
}

export interface IngressPath {
  readonly path: string;
  readonly exact: boolean;
  /** Undefined where the backend is no Service. */
  readonly backend: { readonly service: string; readonly port: string | number } | undefined;
}

export interface FactsByKind {
  Pod: PodFacts;
  EndpointSlice: SliceFacts;
  Namespace: Meta;
  Node: NodeFacts;
  Deployment: WorkloadFacts;
  StatefulSet: WorkloadFacts;
  DaemonSet: WorkloadFacts;
  ReplicaSet: WorkloadFacts;
  Service: ServiceFacts;
  ConfigMap: ConfigMapFacts;
  IngressClass: IngressClassFacts;
  Ingress: IngressFacts;
}

export type Kind = keyof FactsByKind;
