import { expect, test } from "vitest";
import { podsReasons, podStatus } from "./pod.ts";
import type { JsonObject } from "../values.ts";

const base = [
  { type: "PodScheduled", status: "True" },
  { type: "Initialized", status: "True" },
];
const pod = (status: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  metadata: { name: "echo-1", ...metadata },
  status: { phase: "Running", conditions: [...base, { type: "Ready", status: "False" }], ...status },
});
const container = (state: JsonObject, rest: JsonObject = {}): JsonObject => ({ name: "main", ready: false, state, ...rest });

test.each<[string, JsonObject, string[]]>([
  ["starting", pod({ containerStatuses: [container({ waiting: { reason: "ContainerCreating" } })] }), []],
  ["ready", pod({ conditions: [{ type: "Ready", status: "True" }] }), []],
  ["ending", pod({ containerStatuses: [container({ waiting: { reason: "CrashLoopBackOff" } })] }, { deletionTimestamp: "now" }), []],
  [
    "unschedulable",
    pod({ conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/2 nodes are available" }] }),
    ["pod echo-1: [Unschedulable] 0/2 nodes are available"],
  ],
  [
    "without its image",
    pod({ containerStatuses: [container({ waiting: { reason: "ErrImagePull", message: "not found" } })] }),
    ["pod echo-1: container main: [ErrImagePull] not found"],
  ],
  [
    "crashing",
    pod({
      containerStatuses: [
        container(
          { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
          { lastState: { terminated: { exitCode: 2, reason: "Error" } } },
        ),
      ],
    }),
    ["pod echo-1: container main: [CrashLoopBackOff] back-off 10s", "pod echo-1: container main: exited with code 2 [Error]"],
  ],
  [
    "failing in its init container",
    pod({ initContainerStatuses: [container({ terminated: { exitCode: 1, reason: "Error", message: "no route" } }, { name: "init" })] }),
    ["pod echo-1: container init: exited with code 1 [Error] no route"],
  ],
  ["evicted", pod({ phase: "Failed", reason: "Evicted", message: "no memory" }), ["pod echo-1: [Evicted] no memory"]],
  [
    "failing its probe",
    pod({ containerStatuses: [container({ running: {} }, { started: true })] }),
    ["pod echo-1: container main: runs, but is not ready"],
  ],
])("a pod that is %s", (_, object, reasons) => {
  expect(podsReasons([object])).toEqual(reasons);
});

test("the reason that many pods share is told once", () => {
  const pods = ["echo-1", "echo-2", "echo-3"].map((name) => {
    const message = `restarting failed container=main pod=${name}_default(uid-of-${name})`;
    return pod({ containerStatuses: [container({ waiting: { reason: "CrashLoopBackOff", message } })] }, { name, uid: `uid-of-${name}` });
  });
  expect(podsReasons(pods)).toEqual([
    "pod echo-1: container main: [CrashLoopBackOff] restarting failed container=main pod=echo-1_default(uid-of-echo-1) (and 2 more pods)",
  ]);
});

test("a pod on its own is ready when it is, or when it is done", () => {
  expect(podStatus(pod({ phase: "Succeeded" })).state).toBe("ready");
  expect(podStatus(pod({ conditions: [{ type: "Ready", status: "True" }] })).state).toBe("ready");
  expect(podStatus(pod({ phase: "Pending", conditions: [] }))).toMatchObject({ message: "pod echo-1 is not scheduled" });
  expect(podStatus(pod({}))).toMatchObject({ message: "pod echo-1 is not ready" });
});
