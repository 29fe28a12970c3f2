import type { Fault, Port, Target } from "../model/domain.ts";
import {
  configMapsOf,
  labelOf,
  namespaceSource,
  NO_CLAIMS,
  refOf,
  sourceOf,
  type Claim,
  type ClaimSettings,
  type Objects,
  type ObjectClaims,
} from "./claim.ts";
import { externalDns, isAnothers, splitList } from "./external-dns.ts";
import type { PodFacts, WorkloadFacts } from "./facts.ts";
import { placeHost } from "./placement.ts";
import { SettingsReader, type SettingsSource } from "./settings.ts";

/** Kinds that make pods, or make what makes them. */
export const WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] as const;
type Workload = (typeof WORKLOADS)[number];

const isWorkload = (kind: string): kind is Workload => WORKLOADS.some((known) => known === kind);

/** The workloads above a pod, the nearest first. */
function workloadsOf(pod: PodFacts, objects: Objects): { kind: Workload; facts: WorkloadFacts }[] {
  const found: { kind: Workload; facts: WorkloadFacts }[] = [];
  let { controller } = pod;
  // a ReplicaSet below a Deployment is the longest chain there is
  while (controller && isWorkload(controller.kind) && found.length < 2) {
    const facts = objects.get(controller.kind, pod.namespace, controller.name);
    if (!facts) break;
    found.push({ kind: controller.kind, facts });
    controller = facts.controller;
  }
  return found;
}

/**
 * Settings of a pod: its own, its workloads', its namespace's. What is wrong with pods of a workload is told of the workload.
 * @param published objects that it is published by, and that may speak for it before its namespace does
 */
export function podReader(
  pod: PodFacts,
  objects: Objects,
  fault: (fault: Fault) => void,
  published: readonly SettingsSource[] = [],
): { reader: SettingsReader; sources: SettingsSource[] } {
  const above = workloadsOf(pod, objects).map(({ kind, facts }) => sourceOf(kind, facts));
  const object = above.at(-1)?.object ?? refOf("Pod", pod);
  const sources = [{ object, settings: pod.settings }, ...above, ...published, ...namespaceSource(objects, pod.namespace)];
  return { reader: new SettingsReader(sources, fault), sources };
}

/**
 * A pod as a target, ready or not.
 * @param ports at which it is to be reached
 */
export function podTarget(pod: PodFacts, objects: Objects, reader: SettingsReader, ports: readonly Port[]): Target {
  return {
    key: `${pod.namespace}/${pod.name}`,
    namespace: pod.namespace,
    name: pod.name,
    label: labelOf(pod),
    node: pod.node,
    ipv6: pod.ipv6,
    ipv4: pod.ipv4,
    state: podState(pod, objects),
    ports,
    probe: reader.probe(ports),
  };
}

function podState(pod: PodFacts, objects: Objects): Target["state"] {
  if (pod.terminating) return "terminating";
  const node = pod.node === undefined ? undefined : objects.get("Node", "", pod.node);
  if (node?.state !== "lost") return pod.ready && node?.state !== "not ready" ? "ready" : "not ready";
  // Kubernetes calls pods not ready whose node it has lost: their own last word is what was said before
  const { readySince } = pod;
  const isCalledSo = node.lostSince !== undefined && readySince !== undefined && readySince >= node.lostSince;
  return pod.ready || isCalledSo ? "node lost" : "not ready";
}

/** What a pod asks for: that its domain leads to it. */
export function readPod(pod: PodFacts, objects: Objects, { zone }: ClaimSettings): ObjectClaims {
  const faults: Fault[] = [];
  const { reader, sources } = podReader(pod, objects, (fault) => faults.push(fault));
  const name = reader.domain(zone);
  for (const key of ["hostname", "internal-hostname"] as const) {
    // for another zone somebody else may serve it
    const host = splitList(externalDns(pod.settings, key) ?? "").find((text) => typeof placeHost(text, zone) !== "string");
    if (host === undefined || isAnothers(pod.settings)) continue;
    const message = `annotation ${key} of external-dns has no effect on a pod: say dns.peak/domain for ${host}, on what makes the pods`;
    faults.push({ object: sources[0]!.object, reason: "Unsupported", message });
  }
  if (name === undefined) return faults.length === 0 ? NO_CLAIMS : { claims: [], faults };
  const top = workloadsOf(pod, objects).at(-1);
  const claim: Claim = {
    name,
    origin: name,
    namespace: pod.namespace,
    owner: sources[0]!.object,
    since: top?.facts.created ?? pod.created,
    targets: [podTarget(pod, objects, reader, pod.ports)],
    alias: undefined,
    isPartial: false,
    faults: [],
    saidAt: pod.created,
    settings: reader.domainSettings(configMapsOf(objects, pod.namespace)),
  };
  return { claims: [claim], faults };
}

/** What a workload asks for: that its domain stays its own, also while it has no pods. */
export function readWorkload(kind: Workload, facts: WorkloadFacts, objects: Objects, { zone }: ClaimSettings): ObjectClaims {
  // below another it is the other that asks
  if (facts.controller) return NO_CLAIMS;
  const object = refOf(kind, facts);
  const sources = [{ object, settings: facts.template }, sourceOf(kind, facts)];
  // on a namespace it is said of pods, not of workloads
  if (!sources.some(({ settings }) => "dns.peak/domain" in settings)) return NO_CLAIMS;
  const faults: Fault[] = [];
  const reader = new SettingsReader([...sources, ...namespaceSource(objects, facts.namespace)], (fault) => faults.push(fault));
  const name = reader.domain(zone);
  if (name === undefined) return { claims: [], faults };
  const claim: Claim = {
    name,
    origin: name,
    namespace: facts.namespace,
    owner: object,
    since: facts.created,
    targets: [],
    alias: undefined,
    isPartial: false,
    faults: [],
    // any pod knows better
    saidAt: 0,
    settings: reader.domainSettings(configMapsOf(objects, facts.namespace)),
  };
  return { claims: [claim], faults };
}
