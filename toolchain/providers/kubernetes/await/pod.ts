/** Pods: ready when scheduled, initialised and ready, or when they have done their work. */

import { condition, conditionIsTrue, listAt, nameOf, numberAt, objectAt, textAt, type KubeObject } from "../objects.ts";
import { isObject, type JsonObject } from "../values.ts";
import { ready, waiting, type Awaiter, type Status } from "./status.ts";

export const pod: Awaiter = { related: () => [], status: (object) => podStatus(object) };

export function podStatus(object: KubeObject): Status {
  if (isReady(object)) return ready;
  const step = ["PodScheduled", "Initialized", "Ready"].find((type) => !conditionIsTrue(object, type)) ?? "Ready";
  return waiting(`pod ${nameOf(object)} is not ${stepNames[step] ?? step}`, podsReasons([object]));
}

const stepNames: Readonly<Record<string, string>> = { PodScheduled: "scheduled", Initialized: "initialised", Ready: "ready" };

function isReady(object: KubeObject): boolean {
  return textAt(object, "status", "phase") === "Succeeded" || conditionIsTrue(object, "Ready");
}

/**
 * Why pods are not ready, in the words of the scheduler, the kubelet and the container runtime; empty if nothing is
 * wrong so far. Replicas tend to fail alike, so a reason that many share is told once, with the pods counted.
 */
export function podsReasons(pods: readonly KubeObject[]): string[] {
  const shared = new Map<string, string[]>();
  for (const object of pods) {
    const name = nameOf(object);
    for (const reason of reasonsOf(object)) {
      // Messages quote the pod they are about.
      const key = reason.replaceAll(name, "").replaceAll(textAt(object, "metadata", "uid") ?? name, "");
      shared.set(key, [...(shared.get(key) ?? []), `pod ${name}: ${reason}`]);
    }
  }
  return Array.from(shared.values(), ([first = "", ...more]) => (more.length === 0 ? first : `${first} (and ${more.length} more pods)`));
}

function reasonsOf(object: KubeObject): string[] {
  if (isReady(object) || textAt(object, "metadata", "deletionTimestamp") !== undefined) return [];
  return [...phaseReasons(object), ...conditionReasons(object), ...containerReasons(object)];
}

function phaseReasons(object: KubeObject): string[] {
  if (textAt(object, "status", "phase") !== "Failed") return [];
  return [labelled(textAt(object, "status", "reason") ?? "Failed", textAt(object, "status", "message"))];
}

function conditionReasons(object: KubeObject): string[] {
  return ["PodScheduled", "Initialized", "PodReadyToStartContainers", "Ready"].flatMap((type) => {
    const entry = condition(object, type);
    if (entry === undefined || entry["status"] !== "False") return [];
    const reason = textAt(entry, "reason");
    const message = textAt(entry, "message");
    // These only repeat that containers are not ready, which the containers themselves explain better.
    if (message === undefined || /^containers with /.test(message)) return [];
    return [labelled(reason, message)];
  });
}

function containerReasons(object: KubeObject): string[] {
  const statuses = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"].flatMap((list) =>
    listAt(object, "status", list).filter(isObject),
  );
  return statuses.flatMap(containerReason);
}

/** States in which a container just starts. */
const starting = new Set(["ContainerCreating", "PodInitializing"]);

function containerReason(status: JsonObject): string[] {
  if (status["ready"] === true) return [];
  const name = textAt(status, "name") ?? "";
  const state = objectAt(status, "state", "waiting");
  const reason = textAt(state, "reason");
  const ended = [objectAt(status, "state", "terminated"), objectAt(status, "lastState", "terminated")].find(
    (entry) => (numberAt(entry, "exitCode") ?? 0) !== 0,
  );
  const exit =
    ended === undefined
      ? []
      : [`exited with code ${numberAt(ended, "exitCode")} ${labelled(textAt(ended, "reason"), textAt(ended, "message"))}`.trim()];
  const wait = reason === undefined || starting.has(reason) ? [] : [labelled(reason, textAt(state, "message"))];
  const unready = exit.length + wait.length === 0 && isObject(objectAt(status, "state")["running"]) ? unreadyReason(status) : [];
  return [...wait, ...exit, ...unready].map((text) => `container ${name}: ${text}`);
}

function unreadyReason(status: JsonObject): string[] {
  return status["started"] === false ? ["runs, but its startup probe has not succeeded yet"] : ["runs, but is not ready"];
}

function labelled(reason: string | undefined, message: string | undefined): string {
  const label = reason === undefined ? "" : `[${reason}] `;
  return `${label}${message ?? ""}`.trim();
}
