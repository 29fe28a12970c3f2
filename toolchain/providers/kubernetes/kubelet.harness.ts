/** Plays scheduler and kubelet for tests: puts every pod on one node and gives it the status that the test wants. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ApiServer } from "../../../test/harness/api-server.ts";

/** What becomes of pods: ready, done with success or failure, failing to pull their image, or for ever starting. */
export type Outcome = "ready" | "complete" | "failed" | "ImagePullBackOff" | "starting";

export interface Kubelet {
  outcome: Outcome;
  /** Resolves when a pod exists whose name starts so. */
  sawPods(prefix: string): Promise<void>;
  stop(): Promise<void>;
}

interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly name: string; readonly image: string }[] };
}

const node = "node1";

export function playKubelet(server: ApiServer): Kubelet {
  const done = new Map<string, Outcome>();
  const names = new Set<string>();
  let stopped = false;
  const kubelet: Kubelet = {
    outcome: "ready",
    async sawPods(prefix) {
      for (let attempt = 0; attempt < 600; attempt++) {
        if ([...names].some((name) => name.startsWith(prefix))) return;
        await sleep(50);
      }
      throw new Error(`no pod ${prefix}* came into being`);
    },
    async stop() {
      stopped = true;
      await running;
    },
  };
  const running = (async () => {
    await server.request({ method: "POST", path: "/api/v1/nodes", body: { metadata: { name: node } } });
    // New nodes are tainted until they report to be ready, which this one never does.
    await server.request({ method: "PATCH", path: `/api/v1/nodes/${node}`, body: { spec: { taints: null } } });
    while (!stopped) {
      // The API server may be away, or the pod gone, by the test's own doing.
      await round(server, kubelet.outcome, done, names).catch(() => undefined);
      await sleep(100);
    }
  })();
  return kubelet;
}

async function round(server: ApiServer, outcome: Outcome, done: Map<string, Outcome>, names: Set<string>): Promise<void> {
  const { items } = await server.request<{ items: Pod[] }>({ path: "/api/v1/pods" });
  for (const pod of items) {
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
    names.add(pod.metadata.name);
    if (pod.metadata.deletionTimestamp !== undefined) {
      await server.request({ method: "DELETE", path, body: { gracePeriodSeconds: 0 } });
      continue;
    }
    if (done.get(pod.metadata.uid) === outcome) continue;
    if (pod.spec.nodeName === undefined) {
      const { name } = pod.metadata;
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { apiVersion: "v1", kind: "Node", name: node } };
      await server.request({ method: "POST", path: `${path}/binding`, body });
    }
    await server.request({ method: "PATCH", path: `${path}/status`, body: { status: podStatus(pod, outcome, done.size) } });
    done.set(pod.metadata.uid, outcome);
  }
}

function podStatus(pod: Pod, outcome: Outcome, number: number): unknown {
  const container = (state: unknown): unknown[] =>
    pod.spec.containers.map(({ name, image }) => {
      return { name, image, imageID: "", ready: outcome === "ready", started: outcome === "ready", restartCount: 0, state };
    });
  const condition = (type: string, status: boolean): unknown => ({ type, status: status ? "True" : "False" });
  const base = [condition("PodScheduled", true), condition("Initialized", true)];
  const podIP = `2001:db8:7ea:c::${(number + 16).toString(16)}`;
  switch (outcome) {
    case "ready":
      return {
        phase: "Running",
        podIP,
        podIPs: [{ ip: podIP }],
        conditions: [...base, condition("ContainersReady", true), condition("Ready", true)],
        containerStatuses: container({ running: { startedAt: new Date(0).toISOString() } }),
      };
    case "complete":
      return {
        phase: "Succeeded",
        conditions: base,
        containerStatuses: container({ terminated: { exitCode: 0, reason: "Completed" } }),
      };
    case "failed":
      return {
        phase: "Failed",
        conditions: base,
        containerStatuses: container({ terminated: { exitCode: 3, reason: "Error", message: "out of luck" } }),
      };
    case "ImagePullBackOff":
      return {
        phase: "Pending",
        conditions: [...base, condition("Ready", false)],
        containerStatuses: container({
          waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${pod.spec.containers[0]?.image}"` },
        }),
      };
    case "starting":
      return {
        phase: "Pending",
        conditions: [...base, condition("Ready", false)],
        containerStatuses: container({ waiting: { reason: "ContainerCreating" } }),
      };
  }
}
