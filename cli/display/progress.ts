import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { isInternal } from "../engine/state.ts";

/** What the engine did to resources: how many of each operation, e.g. `{ create: 3, same: 40 }`. */
export type Changes = Partial<Record<string, number>>;

/** A component, or a resource outside of any: what the user is told about. */
export interface Step {
  /** Type and name, e.g. `VirtualPi pi1`. */
  label: string;
  /** What was done to the resources in it; those that stayed as they were are not counted. */
  changes: Changes;
  /** Milliseconds from the first of them to the last. */
  duration: number;
}

/** What went wrong with a resource; without a resource, with the update as a whole. */
export interface Fault {
  resource: string | undefined;
  message: string;
}

interface Resource {
  urn: string;
  label: string;
  parent: string;
  /** Something that a provider made, in contrast to a component. */
  custom: boolean;
  op: string;
  state: "running" | "done" | "failed";
  started: number;
}

interface Group {
  members: Set<string>;
  running: Set<string>;
  started: number;
  ended: number;
  /** For a component: all that is in it was asked for and is there. */
  complete: boolean;
  changes: Changes;
}

/** Operations that leave a resource as it is. */
const quiet = new Set(["same", "read", "refresh"]);

/** A replacement is told once, by the step that ends it; the engine reports its parts as well. */
const partial = new Set(["create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace"]);

/** Messages of the engine about our own doing, nothing that a user can act on. */
const expected = [/^using pulumi-resource-\S+ from \$PATH/, /^update failed$/, /^Attempting to deploy or update resources with \d+ pending operations/];

/**
 * Follows an operation by the engine's events: what is going on, how much is done, and what to tell in the end. Takes events and values, does no I/O.
 * Times are milliseconds of any one clock.
 */
export class OperationProgress {
  readonly warnings: string[] = [];
  readonly faults: Fault[] = [];
  readonly changes: Changes = {};
  readonly #expected: number;
  readonly #resources = new Map<string, Resource>();
  readonly #groups = new Map<string, Group>();
  readonly #details = new Map<string, string>();

  /** @param expected how many resources there will be, as far as one knows beforehand */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Resources that the operation has come to and is through with. */
  get done(): number {
    return [...this.#resources.values()].filter(({ state }) => state !== "running").length;
  }

  /** How many resources there are to go through; grows when there turn out to be more than expected. */
  get total(): number {
    return Math.max(this.#expected, this.#resources.size);
  }

  /** What is going on, the longest first: label, what it says of itself, milliseconds. */
  active(now: number): { label: string; detail: string; duration: number }[] {
    return [...this.#resources.values()]
      .filter((resource) => resource.custom && resource.state === "running")
      .sort((a, b) => a.started - b.started)
      .map((resource) => ({
        label: this.#groupLabel(this.#groupOf(resource)),
        detail: this.#details.get(resource.urn) ?? "",
        duration: now - resource.started,
      }));
  }

  /** Takes an event in; returns the steps that it finished, if any changed something. */
  apply(event: EngineEvent, now: number): Step[] {
    if (event.resourcePreEvent) return this.#begin(event.resourcePreEvent.metadata, now);
    if (event.resOutputsEvent) return this.#end(event.resOutputsEvent.metadata, "done", now);
    if (event.resOpFailedEvent) return this.#end(event.resOpFailedEvent.metadata, "failed", now);
    if (event.diagnosticEvent) this.#diagnose(event.diagnosticEvent);
    if (event.policyEvent) {
      const { policyName, enforcementLevel, message, resourceUrn } = event.policyEvent;
      const text = `policy ${policyName}: ${clean(message)}`;
      if (enforcementLevel === "mandatory") this.#fault(resourceUrn, text);
      else this.#warn(resourceUrn === undefined ? text : `${this.#name(resourceUrn)}: ${text}`);
    }
    return [];
  }

  /** The steps that changed something and were not finished, as at the end of an operation that failed or was interrupted. */
  rest(): Step[] {
    return [...this.#groups].filter(([, group]) => !isEmpty(group.changes)).map(([key, group]) => this.#close(key, group));
  }

  #begin(metadata: StepEventMetadata, now: number): Step[] {
    const state = metadata.new ?? metadata.old;
    if (isInternal(metadata.type)) return [];
    const resource: Resource = {
      urn: metadata.urn,
      label: label(metadata.urn),
      parent: state?.parent ?? "",
      custom: state?.custom === true,
      op: metadata.op,
      state: "running",
      started: now,
    };
    this.#resources.set(resource.urn, resource);
    if (!resource.custom) return [];
    const key = this.#groupOf(resource);
    let group = this.#groups.get(key);
    if (!group) this.#groups.set(key, (group = { members: new Set(), running: new Set(), started: now, ended: now, complete: false, changes: {} }));
    group.members.add(resource.urn);
    group.running.add(resource.urn);
    return [];
  }

  #end(metadata: StepEventMetadata, state: "done" | "failed", now: number): Step[] {
    const resource = this.#resources.get(metadata.urn);
    if (!resource) return [];
    resource.state = state;
    const key = resource.custom ? this.#groupOf(resource) : resource.urn;
    const group = this.#groups.get(key);
    if (resource.custom && state === "done" && !partial.has(metadata.op)) count(this.changes, metadata.op);
    if (!group) return [];
    if (resource.custom) {
      group.running.delete(resource.urn);
      group.ended = now;
      if (state === "done" && !quiet.has(metadata.op) && !partial.has(metadata.op)) count(group.changes, metadata.op);
    }
    // A resource outside of any component is a step of its own; a component ends when its outputs are there.
    if (!resource.custom || key === resource.urn) group.complete = true;
    if (!group.complete || group.running.size > 0 || isEmpty(group.changes)) return [];
    return [this.#close(key, group)];
  }

  #close(key: string, group: Group): Step {
    const step = { label: this.#groupLabel(key), changes: group.changes, duration: group.ended - group.started };
    this.#groups.delete(key);
    return step;
  }

  #diagnose({ urn, message, severity }: NonNullable<EngineEvent["diagnosticEvent"]>): void {
    const text = clean(message);
    if (text === "" || expected.some((pattern) => pattern.test(text))) return;
    if (severity === "error") this.#fault(urn, text);
    else if (severity === "warning") this.#warn(urn === undefined ? text : `${this.#name(urn)}: ${text}`);
    else if (severity.startsWith("info") && urn !== undefined) this.#details.set(urn, text.split("\n").at(-1)?.trim() ?? "");
  }

  #fault(urn: string | undefined, message: string): void {
    const resource = urn === undefined || urn.includes("::pulumi:pulumi:Stack::") ? undefined : this.#name(urn);
    if (!this.faults.some((fault) => fault.resource === resource && fault.message === message)) this.faults.push({ resource, message });
  }

  #warn(text: string): void {
    if (!this.warnings.includes(text)) this.warnings.push(text);
  }

  /** A resource with the component that it is in: `Command pi2-packages (Worker pi2)`. */
  #name(urn: string): string {
    const resource = this.#resources.get(urn);
    if (!resource) return label(urn);
    const group = this.#groupOf(resource);
    return group === urn ? resource.label : `${resource.label} (${this.#groupLabel(group)})`;
  }

  #groupOf(resource: Resource): string {
    const parent = this.#resources.get(resource.parent);
    return parent && !parent.custom ? parent.urn : parent ? this.#groupOf(parent) : resource.urn;
  }

  #groupLabel(urn: string): string {
    return this.#resources.get(urn)?.label ?? label(urn);
  }
}

/** Type and name of a resource, without the packages: `VirtualPi pi1` of `urn:pulumi:local::peak::peak:node:VirtualPi::pi1`. */
export function label(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  const type = types.split("$").at(-1)?.split(":").at(-1) ?? "";
  return `${type} ${name.join("::")}`.trim();
}

/** Without the engine's markup for colours. */
function clean(message: string): string {
  return message.replace(/<\{%.*?%\}>/g, "").trim();
}

function count(changes: Changes, op: string): void {
  changes[op] = (changes[op] ?? 0) + 1;
}

function isEmpty(changes: Changes): boolean {
  return Object.keys(changes).length === 0;
}
