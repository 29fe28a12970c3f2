import { isIPv4, isIPv6 } from "node:net";
import type { Port } from "../model/domain.ts";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { EXTERNAL_DNS_PREFIXES } from "./external-dns.ts";
import type { FactsByKind, IngressPath, Kind, Meta, Settings, SliceEndpoint } from "./facts.ts";
import {
  configMapShape,
  ingressClassShape,
  ingressShape,
  nodeShape,
  plainShape,
  podShape,
  serviceShape,
  sliceShape,
  workloadShape,
  type IngressBackend,
  type Metadata,
} from "./shapes.ts";

/** Where each kind is in the API, and how its objects become facts. Everything else of an object is forgotten at once. */

export interface KindSpec<K extends Kind> {
  readonly apiVersion: string;
  /** Path of all objects of the kind. */
  readonly path: string;
  /** Leaves out, at the server, objects that nothing depends on. */
  readonly fieldSelector?: string;
  /** @throws Error when the object is not of the kind's form */
  parse(object: unknown): FactsByKind[K];
}

/** Longer texts in ConfigMaps are no queries; keeping them would keep the cluster's every file in memory. */
const MAX_QUERY_LENGTH = 4096;

const isOurs = (key: string): boolean => key.startsWith("dns.peak/") || key === "cluster-type";
const isOursOrExternalDns = (key: string): boolean => isOurs(key) || EXTERNAL_DNS_PREFIXES.some((prefix) => key.startsWith(prefix));
/** Prefixes of the annotations that tell other controllers what to do with requests. */
const FOREIGN = [
  "ingress.kubernetes.io",
  "ingress.cilium.io",
  "ingress.citrix.com",
  "ingress.pomerium.io",
  "nginx.org",
  "nginx.com",
  "haproxy.org",
  "haproxy-ingress.github.io",
  "projectcontour.io",
  "konghq.com",
  "getambassador.io",
  "higress.io",
  "k8s.apisix.apache.org",
  "zalando.org",
];
const isForeign = (key: string): boolean => {
  const prefix = key.slice(0, Math.max(0, key.indexOf("/")));
  return FOREIGN.some((domain) => prefix === domain || prefix.endsWith(`.${domain}`));
};

/** What annotations and labels say to this server. */
function settingsOf(
  from: { annotations?: Record<string, string> | null | undefined; labels?: Record<string, string> | null | undefined } | null | undefined,
  isWanted: (key: string) => boolean,
): Settings {
  const settings: Record<string, Settings[string]> = {};
  for (const [key, text] of Object.entries(from?.labels ?? {})) if (isWanted(key)) settings[key] = { text, from: "label" };
  for (const [key, text] of Object.entries(from?.annotations ?? {})) if (isWanted(key)) settings[key] = { text, from: "annotation" };
  return settings;
}

function metaOf(value: Metadata, isWanted = isOurs): Meta {
  const controller = value.ownerReferences?.find((owner) => owner.controller === true);
  return {
    namespace: value.namespace,
    name: value.name,
    uid: value.uid,
    created: value.creationTimestamp ?? 0,
    settings: settingsOf(value, isWanted),
    controller: controller && { kind: controller.kind, name: controller.name },
  };
}

const ipv6Of = (addresses: readonly string[]): Uint8Array | undefined => {
  const found = addresses.find((address) => isIPv6(address) && !address.includes("%"));
  return found === undefined ? undefined : parseIpv6(found);
};
const ipv4Of = (addresses: readonly string[]): Uint8Array | undefined => {
  const found = addresses.find((address) => isIPv4(address));
  return found === undefined ? undefined : parseIpv4(found);
};

const backendOf = ({ service: named }: IngressBackend): IngressPath["backend"] =>
  named ? { service: named.name, port: named.port?.name ?? named.port?.number ?? "" } : undefined;

const workloads = <K extends "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet">(plural: string): KindSpec<K> => ({
  apiVersion: "apps/v1",
  path: `/apis/apps/v1/${plural}`,
  parse: (object): FactsByKind[K] => {
    const { metadata: meta, spec } = workloadShape.parse(object);
    return { ...metaOf(meta), template: settingsOf(spec?.template?.metadata, isOurs) };
  },
});

export const KINDS: { readonly [K in Kind]: KindSpec<K> } = {
  Pod: {
    apiVersion: "v1",
    path: "/api/v1/pods",
    // a pod that is over has given its address back
    fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
    parse: (object) => {
      const { metadata: meta, spec, status } = podShape.parse(object);
      const addresses = (status?.podIPs ?? []).map(({ ip }) => ip);
      const condition = status?.conditions.find(({ type }) => type === "Ready");
      // sidecars run beside the others, and come after them: the first port is what the pod is for
      const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
      return {
        ...metaOf(meta, isOursOrExternalDns),
        ready: condition?.status === "True",
        readySince: condition?.lastTransitionTime ?? undefined,
        terminating: meta.deletionTimestamp != null,
        node: spec?.nodeName ?? undefined,
        ipv6: ipv6Of(addresses),
        ipv4: ipv4Of(addresses),
        ports: [...(spec?.containers ?? []), ...sidecars].flatMap(({ ports }) =>
          ports.map((port): Port => ({ name: port.name, port: port.containerPort, protocol: port.protocol ?? "TCP" })),
        ),
      };
    },
  },
  EndpointSlice: {
    apiVersion: "discovery.k8s.io/v1",
    path: "/apis/discovery.k8s.io/v1/endpointslices",
    parse: (object) => {
      const { metadata: meta, endpoints, ports } = sliceShape.parse(object);
      const triggered = meta.annotations?.["endpoints.kubernetes.io/last-change-trigger-time"];
      return {
        ...metaOf(meta),
        service: meta.labels?.["kubernetes.io/service-name"] ?? "",
        endpoints: endpoints.map(
          // every address of an endpoint leads to the same; only the first is to be used
          ({ addresses: [address = ""], conditions, nodeName, targetRef }): SliceEndpoint => ({
            ipv6: ipv6Of([address]),
            ipv4: ipv4Of([address]),
            address,
            ready: conditions?.ready ?? true,
            terminating: conditions?.terminating ?? false,
            node: nodeName ?? undefined,
            pod: targetRef?.kind === "Pod" ? (targetRef.name ?? undefined) : undefined,
          }),
        ),
        ports: ports.flatMap(({ name, port, protocol: carried }): Port[] =>
          port == null ? [] : [{ name, port, protocol: carried ?? "TCP" }],
        ),
        triggered: triggered === undefined ? undefined : Date.parse(triggered) || undefined,
      };
    },
  },
  Namespace: { apiVersion: "v1", path: "/api/v1/namespaces", parse: (object) => metaOf(plainShape.parse(object).metadata) },
  Node: {
    apiVersion: "v1",
    path: "/api/v1/nodes",
    parse: (object) => {
      const { metadata: meta, status } = nodeShape.parse(object);
      const condition = status?.conditions.find(({ type }) => type === "Ready");
      const isLost = condition?.status === "Unknown";
      return {
        ...metaOf(meta),
        state: isLost ? "lost" : condition?.status === "False" ? "not ready" : "ready",
        lostSince: isLost ? (condition.lastTransitionTime ?? undefined) : undefined,
      };
    },
  },
  Deployment: workloads("deployments"),
  StatefulSet: workloads("statefulsets"),
  DaemonSet: workloads("daemonsets"),
  ReplicaSet: workloads("replicasets"),
  Service: {
    apiVersion: "v1",
    path: "/api/v1/services",
    parse: (object) => {
      const { metadata: meta, spec, status } = serviceShape.parse(object);
      return {
        ...metaOf(meta, isOursOrExternalDns),
        type: spec?.type ?? "ClusterIP",
        headless: spec?.clusterIP === "None",
        publishesNotReady: spec?.publishNotReadyAddresses ?? false,
        externalAddresses: spec?.externalIPs ?? [],
        clusterAddresses: (spec?.clusterIPs ?? []).filter((address) => address !== "None"),
        balancers: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []),
        externalName: spec?.externalName ?? undefined,
        ports: (spec?.ports ?? []).map(({ name, port }) => ({ name: name ?? "", port })),
      };
    },
  },
  ConfigMap: {
    apiVersion: "v1",
    path: "/api/v1/configmaps",
    // one in each namespace, and no query in it
    fieldSelector: "metadata.name!=kube-root-ca.crt",
    parse: (object) => {
      const { metadata: meta, data } = configMapShape.parse(object);
      const short = Object.entries(data ?? {}).filter(([, text]) => text.length <= MAX_QUERY_LENGTH);
      return { ...metaOf(meta), data: Object.fromEntries(short) };
    },
  },
  IngressClass: {
    apiVersion: "networking.k8s.io/v1",
    path: "/apis/networking.k8s.io/v1/ingressclasses",
    parse: (object) => {
      const { metadata: meta, spec } = ingressClassShape.parse(object);
      return { ...metaOf(meta), controllerName: spec?.controller ?? "" };
    },
  },
  Ingress: {
    apiVersion: "networking.k8s.io/v1",
    path: "/apis/networking.k8s.io/v1/ingresses",
    parse: (object) => {
      const { metadata: meta, spec, status } = ingressShape.parse(object);
      return {
        ...metaOf(meta, isOursOrExternalDns),
        className: spec?.ingressClassName ?? meta.annotations?.["kubernetes.io/ingress.class"],
        rules: (spec?.rules ?? []).map(({ host, http }) => ({
          host: host ?? "",
          paths: (http?.paths ?? []).map(({ path, pathType, backend }) => ({
            path: path ?? "",
            exact: pathType === "Exact",
            backend: backendOf(backend),
          })),
        })),
        defaultBackend: spec?.defaultBackend ? { path: "/", exact: false, backend: backendOf(spec.defaultBackend) } : undefined,
        hasTls: (spec?.tls.length ?? 0) > 0,
        foreign: Object.keys(meta.annotations ?? {})
          .filter(isForeign)
          .sort(),
        published: (status?.loadBalancer?.ingress ?? []).map(({ hostname, ip }) => ({
          hostname: hostname ?? undefined,
          ip: ip ?? undefined,
        })),
      };
    },
  },
};
