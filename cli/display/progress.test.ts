import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KnownResource } from "../engine/state.ts";
import { label, OperationProgress, type Step } from "./progress.ts";
import { faultsText, nowText, stepText } from "./text.ts";

const stack = "urn:pulumi:local::peak::pulumi:pulumi:Stack::peak-local";
const pi = (name: string) => `urn:pulumi:local::peak::peak:node:VirtualPi::${name}`;
const command = (parent: string, name: string) => `${parent.replace(/::[^:]*$/, "")}$command:remote:Command::${name}`;

let sequence = 0;
/** An event of the engine about a resource, with the fields that it has of each. */
function about(kind: "resourcePreEvent" | "resOutputsEvent" | "resOpFailedEvent", urn: string, parent: string, op = "create"): EngineEvent {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const custom = !type.startsWith("peak:") && !type.startsWith("pulumi:pulumi");
  const state = { urn, type, custom, parent, id: "", inputs: {}, outputs: {}, provider: "" };
  const metadata = { op, urn, type, provider: "", ...(op === "delete" ? { old: state } : { new: state }) };
  return { sequence: sequence++, timestamp: 0, [kind]: { metadata } } as unknown as EngineEvent;
}
const begin = (urn: string, parent: string, op?: string) => about("resourcePreEvent", urn, parent, op);
const end = (urn: string, parent: string, op?: string) => about("resOutputsEvent", urn, parent, op);
const fail = (urn: string, parent: string, op?: string) => about("resOpFailedEvent", urn, parent, op);
const say = (severity: string, message: string, urn?: string): EngineEvent =>
  ({
    sequence: sequence++,
    timestamp: 0,
    diagnosticEvent: { severity, message, color: "never", ...(urn !== undefined && { urn }) },
  }) as EngineEvent;

const known = (urn: string, parent: string): KnownResource => ({ urn, parent, custom: !urn.startsWith(pi("")) });

/** Applies events one second apart and collects what they finished. */
function follow(progress: OperationProgress, events: EngineEvent[]): Step[] {
  return events.flatMap((event, index) => progress.apply(event, index * 1000));
}

const a = command(pi("pi1"), "a");
const b = command(pi("pi1"), "b");

describe("steps", () => {
  test("a component is finished when all that is known to be in it is done", () => {
    const progress = new OperationProgress([known(pi("pi1"), stack), known(a, pi("pi1")), known(b, pi("pi1"))]);
    expect(progress).toMatchObject({ done: 0, total: 3 });
    const steps = follow(progress, [
      begin(pi("pi1"), stack),
      begin(a, pi("pi1")),
      end(pi("pi1"), stack),
      end(a, pi("pi1")),
      begin(b, pi("pi1")),
      end(b, pi("pi1")),
    ]);
    expect(steps).toEqual([{ label: "VirtualPi pi1", changes: { create: 2 }, duration: 4000 }]);
    expect(progress).toMatchObject({ done: 3, total: 3, changes: { create: 2 } });
  });

  test("a component where nothing changed is not told", () => {
    const progress = new OperationProgress([]);
    expect(
      follow(progress, [
        begin(pi("pi1"), stack, "same"),
        begin(a, pi("pi1"), "same"),
        end(a, pi("pi1"), "same"),
        end(pi("pi1"), stack, "same"),
      ]),
    ).toEqual([]);
    expect(progress.changes).toEqual({ same: 1 });
  });

  test("what is deep inside is told under the component below the outermost", () => {
    const cluster = "urn:pulumi:local::peak::peak:cluster:Cluster::cluster";
    const worker = "urn:pulumi:local::peak::peak:cluster:Cluster$peak:cluster:Worker::worker";
    const certificate = "urn:pulumi:local::peak::peak:cluster:Cluster$peak:cluster:Worker$peak:pki:Certificate::kubelet";
    const issued = command(certificate, "issued");
    const parents = [begin(cluster, stack), begin(worker, cluster), begin(certificate, worker)];
    expect(follow(new OperationProgress([]), [...parents, begin(issued, certificate), end(issued, certificate)])).toMatchObject([
      { label: "Worker worker" },
    ]);
  });

  test("a resource outside of any component is a step of its own", () => {
    const urn = "urn:pulumi:local::peak::random:index/randomId:RandomId::seed";
    expect(follow(new OperationProgress([]), [begin(urn, stack), end(urn, stack)])).toMatchObject([
      { label: "RandomId seed", changes: { create: 1 } },
    ]);
  });

  test("a replacement counts once", () => {
    const progress = new OperationProgress([]);
    const events = ["create-replacement", "replace", "delete-replaced"].flatMap((op) => [begin(a, pi("pi1"), op), end(a, pi("pi1"), op)]);
    follow(progress, [begin(pi("pi1"), stack, "same"), ...events, end(pi("pi1"), stack, "same")]);
    expect(progress.changes).toEqual({ replace: 1 });
  });

  test("what a failed operation had begun is told in the end", () => {
    const never = command(pi("pi1"), "never");
    const progress = new OperationProgress([known(pi("pi1"), stack), known(b, pi("pi1")), known(never, pi("pi1"))]);
    expect(
      follow(progress, [begin(pi("pi1"), stack), begin(a, pi("pi1")), end(a, pi("pi1")), begin(b, pi("pi1")), fail(b, pi("pi1"))]),
    ).toEqual([]);
    expect(progress.rest()).toMatchObject([{ label: "VirtualPi pi1", changes: { create: 1 } }]);
    expect(progress.rest()).toEqual([]);
  });

  test("the stack and the providers are nobody's work", () => {
    const provider = "urn:pulumi:local::peak::pulumi:providers:command::default";
    const progress = new OperationProgress([]);
    follow(progress, [begin(stack, ""), begin(provider, stack), end(provider, stack), end(stack, "")]);
    expect(progress).toMatchObject({ done: 0, total: 0 });
  });

  test("done and total are of the resources that were told of, whatever the order of events", () => {
    const urns = [pi("pi1"), pi("pi2"), a, b];
    const parentOf = (urn: string) => (urn === a || urn === b ? pi("pi1") : stack);
    const event = fc.tuple(
      fc.constantFrom(begin, end, fail),
      fc.constantFrom(...urns),
      fc.constantFrom("create", "same", "delete", "replace"),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.subarray(urns), (events, expected) => {
        const progress = new OperationProgress(expected.map((urn) => known(urn, parentOf(urn))));
        const told = new Set(expected);
        const through = new Set<string>();
        for (const [kind, urn, op] of events) {
          progress.apply(kind(urn, parentOf(urn), op), 0);
          if (kind === begin) {
            told.add(urn);
            through.delete(urn);
          } else if (told.has(urn)) through.add(urn);
          expect(progress).toMatchObject({ done: through.size, total: told.size });
        }
        progress.rest();
        expect(progress.rest()).toEqual([]);
      }),
    );
  });
});

describe("what the engine says", () => {
  test("a fault names the resource and its component, once", () => {
    const progress = new OperationProgress([]);
    follow(progress, [
      begin(pi("pi1"), stack),
      begin(a, pi("pi1")),
      say("error", "<{%reset%}>exit 1\nno space<{%reset%}>\n", a),
      say("error", "exit 1\nno space", a),
      say("error", "update failed\n"),
      say("error", `cannot complete a resource '${a}' whose registration isn't pending`, a),
    ]);
    expect(progress.faults).toEqual([{ resource: "Command a (VirtualPi pi1)", message: "exit 1\nno space" }]);
    expect(faultsText(progress.faults)).toBe("Command a (VirtualPi pi1):\n  exit 1\n  no space");
  });

  test("a fault of the stack is one without a resource", () => {
    const progress = new OperationProgress([]);
    follow(progress, [say("error", "the plugin is gone", stack)]);
    expect(faultsText(progress.faults)).toBe("the plugin is gone");
  });

  test("warnings are told once, and not those about our own plugins", () => {
    const progress = new OperationProgress([]);
    follow(progress, [
      say("warning", "using pulumi-resource-command from $PATH at /x"),
      say("warning", "old"),
      say("warning", "old"),
      say("debug", "noise"),
    ]);
    expect(progress.warnings).toEqual(["old"]);
  });

  test("what is shown while it lasts is neither a warning nor a fault, and goes when nothing follows it", () => {
    const progress = new OperationProgress([]);
    const passing = (severity: "warning" | "error" | "info", message: string) => {
      const event = say(severity, message, a);
      return { ...event, diagnosticEvent: { ...event.diagnosticEvent!, ephemeral: true } };
    };
    const detail = () => progress.active(0).map(({ detail }) => detail);
    follow(progress, [begin(a, stack), passing("error", "dial failed"), passing("warning", "[MinimumReplicasUnavailable] Deployment")]);
    expect(detail()).toEqual(["[MinimumReplicasUnavailable] Deployment"]);
    follow(progress, [passing("info", "")]);
    expect(detail()).toEqual([""]);
    expect([progress.warnings, progress.faults]).toEqual([[], []]);
  });

  test("a mandatory policy's violation is a fault, an advisory one's a warning", () => {
    const progress = new OperationProgress([]);
    const violation = (enforcementLevel: string) =>
      ({
        sequence: 0,
        timestamp: 0,
        policyEvent: {
          resourceUrn: a,
          message: "no limits\n",
          color: "never",
          policyName: "limits",
          policyPackName: "peak",
          policyPackVersion: "1",
          policyPackVersionTag: "1",
          enforcementLevel,
        },
      }) as EngineEvent;
    follow(progress, [violation("mandatory"), violation("warning")]);
    expect(progress.faults).toEqual([{ resource: "Command a", message: "policy limits: no limits" }]);
    expect(progress.warnings).toEqual(["Command a: policy limits: no limits"]);
  });

  test("what a command says as a warning stays, once", () => {
    const progress = new OperationProgress([known(a, pi("pi1"))]);
    const text = "warning: pi4 was not drained";
    follow(progress, [begin(a, pi("pi1"), "delete"), say("info", `evicting\n${text}\n`, a), say("info", text, a), say("info", "no warning: here", a)]);
    expect(progress.warnings).toEqual(["pi4 was not drained"]);
  });
});

describe("text", () => {
  test("the line of the moment tells how far, how long and what, with the latest word of each", () => {
    const progress = new OperationProgress([known(b, pi("pi1"))]);
    follow(progress, [begin(pi("pi1"), stack), begin(a, pi("pi1")), say("info", "first\nunpacking\n", a), begin(b, pi("pi1"))]);
    expect(nowText("up", progress, 0, 65_000)).toBe("up 0/3  1 min 05 s  VirtualPi pi1: unpacking · VirtualPi pi1");
  });

  test("nothing is said of numbers before any is known", () => {
    expect(nowText("preview", new OperationProgress([]), 0, 1000)).toBe("preview  1 s");
  });

  test("a finished step", () => {
    const step = { label: "Worker pi2", changes: { create: 2, update: 1 }, duration: 12_000 };
    expect(stepText(step)).toBe("Worker pi2: 2 created, 1 updated  (12 s)");
  });

  test.each([
    [pi("pi1"), "VirtualPi pi1"],
    [a, "Command a"],
    ["urn:pulumi:local::peak::kubernetes:apps/v1:Deployment::ns::x", "Deployment ns::x"],
    ["", ""],
  ])("label of %s", (urn, text) => expect(label(urn)).toBe(text));
});
