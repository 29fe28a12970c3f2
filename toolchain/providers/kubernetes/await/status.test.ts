/** What each kind's status says, as controllers write it. */

import { describe, expect, test } from "vitest";
import { customResourceDefinition } from "./custom-resource-definition.ts";
import { daemonSet } from "./daemon-set.ts";
import { deployment } from "./deployment.ts";
import { ingress } from "./ingress.ts";
import { job } from "./job.ts";
import { service } from "./service.ts";
import { statefulSet } from "./stateful-set.ts";
import { persistentVolume, persistentVolumeClaim } from "./storage.ts";
import type { Awaiter, Related } from "./status.ts";
import type { JsonObject } from "../values.ts";

const none: Related = { pods: [], endpointSlices: [], services: [], storageClasses: [] };

type Case = readonly [what: string, object: JsonObject, related: Partial<Related>, said: "ready" | RegExp];

function cases(name: string, awaiter: Awaiter, rows: readonly Case[]): void {
  describe(name, () => {
    test.each(rows)("%s", (_, object, related, said) => {
      const status = awaiter.status(object, { ...none, ...related });
      if (said === "ready") return expect(status).toEqual({ state: "ready" });
      expect(status.state).not.toBe("ready");
      if (status.state !== "ready") expect([status.state, status.message, ...status.reasons].join("; ")).toMatch(said);
    });
  });
}

const crashing = {
  metadata: { name: "echo-1" },
  status: {
    phase: "Running",
    conditions: [
      { type: "PodScheduled", status: "True" },
      { type: "Initialized", status: "True" },
      { type: "Ready", status: "False" },
    ],
    containerStatuses: [{ name: "main", ready: false, state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } } }],
  },
};

const rollout = (generation: number, spec: JsonObject, status: JsonObject): JsonObject => ({
  metadata: { name: "a", generation },
  spec,
  status,
});

cases("Deployment", deployment, [
  ["new", rollout(1, { replicas: 1 }, {}), {}, /not seen the change/],
  [
    "stale",
    rollout(3, { replicas: 1 }, { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }),
    {},
    /not seen the change/,
  ],
  [
    "rolling",
    rollout(2, { replicas: 3 }, { observedGeneration: 2, replicas: 4, updatedReplicas: 2 }),
    {},
    /2 of 3 replicas are up to date/,
  ],
  ["ending", rollout(2, { replicas: 2 }, { observedGeneration: 2, replicas: 3, updatedReplicas: 2 }), {}, /1 old replicas still end/],
  [
    "crashing",
    rollout(1, { replicas: 1 }, { observedGeneration: 1, replicas: 1, updatedReplicas: 1 }),
    { pods: [crashing] },
    /0 of 1 replicas are available; pod echo-1: container main: \[CrashLoopBackOff\] back-off 10s/,
  ],
  [
    "refused by a quota",
    rollout(
      1,
      { replicas: 1 },
      {
        observedGeneration: 1,
        conditions: [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" }],
      },
    ),
    {},
    /\[FailedCreate\] exceeded quota/,
  ],
  [
    "past its deadline",
    rollout(
      1,
      {},
      {
        observedGeneration: 1,
        conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too slow" }],
      },
    ),
    {},
    /0 of 1 .*\[ProgressDeadlineExceeded\] too slow/,
  ],
  ["complete", rollout(2, { replicas: 2 }, { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }), {}, "ready"],
  ["scaled to nothing", rollout(1, { replicas: 0 }, { observedGeneration: 1 }), {}, "ready"],
]);

const stateful = (status: JsonObject, strategy: JsonObject = {}): JsonObject =>
  rollout(
    2,
    { replicas: 2, updateStrategy: strategy },
    { observedGeneration: 2, replicas: 2, updateRevision: "b", currentRevision: "b", ...status },
  );

cases("StatefulSet", statefulSet, [
  ["starting", stateful({ replicas: 1 }), {}, /1 of 2 replicas exist/],
  ["unready", stateful({ readyReplicas: 1 }), {}, /1 of 2 replicas are ready/],
  ["rolling", stateful({ readyReplicas: 2, updatedReplicas: 1, currentRevision: "a" }), {}, /1 of 2 replicas are up to date/],
  ["settling", stateful({ readyReplicas: 2, updatedReplicas: 2, currentRevision: "a" }), {}, /becomes the current one/],
  ["complete", stateful({ readyReplicas: 2, updatedReplicas: 2 }), {}, "ready"],
  [
    "partitioned",
    stateful({ readyReplicas: 2, updatedReplicas: 1, currentRevision: "a" }, { type: "RollingUpdate", rollingUpdate: { partition: 1 } }),
    {},
    "ready",
  ],
  ["updated by hand", stateful({ readyReplicas: 2, updatedReplicas: 0, currentRevision: "a" }, { type: "OnDelete" }), {}, "ready"],
  ["scaled to nothing", rollout(1, { replicas: 0 }, { observedGeneration: 1, replicas: 0 }), {}, "ready"],
]);

const daemons = (status: JsonObject): JsonObject => rollout(1, {}, { observedGeneration: 1, desiredNumberScheduled: 2, ...status });

cases("DaemonSet", daemonSet, [
  ["scheduling", daemons({ currentNumberScheduled: 1 }), {}, /1 of 2 nodes have a pod/],
  ["rolling", daemons({ currentNumberScheduled: 2, updatedNumberScheduled: 1 }), {}, /1 of 2 nodes have an up-to-date pod/],
  ["starting", daemons({ currentNumberScheduled: 2, updatedNumberScheduled: 2 }), { pods: [crashing] }, /0 of 2 .*CrashLoopBackOff/],
  ["complete", daemons({ currentNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 }), {}, "ready"],
  ["without nodes", daemons({ desiredNumberScheduled: 0 }), {}, "ready"],
]);

cases("Job", job, [
  ["running", { spec: { completions: 3 }, status: { succeeded: 1 } }, {}, /1 of 3 pods have succeeded/],
  ["complete", { status: { conditions: [{ type: "Complete", status: "True" }] } }, {}, "ready"],
  [
    "failed",
    { status: { conditions: [{ type: "Failed", status: "True", reason: "DeadlineExceeded", message: "too long" }] } },
    { pods: [crashing] },
    /^failed; the job failed: \[DeadlineExceeded\] too long; pod echo-1/,
  ],
]);

const slice = (ready: boolean | undefined, name = "a"): JsonObject => ({
  metadata: { labels: { "kubernetes.io/service-name": name } },
  endpoints: [{ conditions: ready === undefined ? {} : { ready } }],
});
const selecting = { selector: { app: "a" } };

cases("Service", service, [
  ["without pods", { spec: selecting }, {}, /targets no pod that is ready/],
  ["with unready pods", { spec: selecting }, { endpointSlices: [slice(false)] }, /targets no pod that is ready/],
  ["with a ready pod", { spec: selecting }, { endpointSlices: [slice(false), slice(true)] }, "ready"],
  ["with a pod of unknown readiness", { spec: selecting }, { endpointSlices: [slice(undefined)] }, "ready"],
  ["headless", { spec: { ...selecting, clusterIP: "None" } }, {}, "ready"],
  ["external", { spec: { type: "ExternalName" } }, {}, "ready"],
  ["without a selector", { spec: {} }, {}, "ready"],
  [
    "without a load balancer",
    { spec: { ...selecting, type: "LoadBalancer" } },
    { endpointSlices: [slice(true)] },
    /no load balancer address/,
  ],
  [
    "with a load balancer",
    { spec: { ...selecting, type: "LoadBalancer" }, status: { loadBalancer: { ingress: [{ ip: "::1" }] } } },
    { endpointSlices: [slice(true)] },
    "ready",
  ],
]);

const backend = (name: string): JsonObject => ({ service: { name, port: { number: 80 } } });
const rules = { spec: { defaultBackend: backend("a"), rules: [{ http: { paths: [{ backend: backend("b") }] } }] } };
const addressed = { ...rules, status: { loadBalancer: { ingress: [{ ip: "::1" }] } } };

cases("Ingress", ingress, [
  ["without endpoints", addressed, { endpointSlices: [slice(true, "a")] }, /no endpoints for b;/],
  ["without an address", rules, { endpointSlices: [slice(true, "a"), slice(true, "b")] }, /no address yet/],
  ["served", addressed, { endpointSlices: [slice(true, "a"), slice(true, "b")] }, "ready"],
  [
    "with an external backend",
    addressed,
    { endpointSlices: [slice(true, "a")], services: [{ metadata: { name: "b" }, spec: { type: "ExternalName" } }] },
    "ready",
  ],
]);

const waitingClass = { metadata: { name: "local" }, volumeBindingMode: "WaitForFirstConsumer" };

cases("PersistentVolumeClaim", persistentVolumeClaim, [
  ["bound", { status: { phase: "Bound" } }, {}, "ready"],
  [
    "pending",
    { spec: { storageClassName: "other" }, status: { phase: "Pending" } },
    { storageClasses: [waitingClass] },
    /the claim is Pending/,
  ],
  ["for its first pod", { spec: { storageClassName: "local" }, status: { phase: "Pending" } }, { storageClasses: [waitingClass] }, "ready"],
  ["lost", { spec: { storageClassName: "local" }, status: { phase: "Lost" } }, { storageClasses: [waitingClass] }, /the claim is Lost/],
]);

cases("PersistentVolume", persistentVolume, [
  ["available", { status: { phase: "Available" } }, {}, "ready"],
  ["new", {}, {}, /the volume is Pending/],
]);

cases("CustomResourceDefinition", customResourceDefinition, [
  ["new", {}, {}, /does not serve the kind yet/],
  [
    "in conflict",
    { status: { conditions: [{ type: "NamesAccepted", status: "False", reason: "PluralConflict", message: "taken" }] } },
    {},
    /taken/,
  ],
  ["served", { status: { conditions: [{ type: "Established", status: "True" }] } }, {}, "ready"],
]);
