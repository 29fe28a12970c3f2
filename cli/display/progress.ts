import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { isInternal, type KnownResource } from "../engine/state.ts";
import { outputChanges, type PropertyChange, propertyChanges, type ResourceChange } from "./changes.ts";

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

interface Resource extends KnownResource {
  state: "expected" | "running" | "done" | "failed";
  started: number;
}

interface Group {
  members: Set<Resource>;
  started: number;
  ended: number;
  changes: Changes;
}

/** Operations that leave a resource as it is. */
const quiet = new Set(["same", "read", "refresh"]);

/** A replacement is told once, by the step that ends it; the engine reports its parts as well. */
const partial = new Set(["create-replacement", "delete-replaced", "discard-replaced", "remove-pending-replace"]);

/** Messages of the engine about our own doing or about what another fault ended, nothing that a user can act on. */
const expected = [
  /context canceled$/,
  /^using pulumi-(resource|analyzer)-\S+ from \$PATH/,
  /^(update|preview|refresh|destroy) failed$/,
  /^cannot complete a resource '.*' whose registration isn't pending$/,
  /^Attempting to deploy or update resources with \d+ pending operations/,
];

/**
 * Follows an operation by the engine's events: what is going on, how much is done, and what to tell in the end. Takes events and values,
 * does no I/O. Times are milliseconds of any one clock.
 */
export class OperationProgress {
  readonly warnings: string[] = [];
  readonly faults: Fault[] = [];
  readonly changes: Changes = {};
  /** Which outputs of the stack become others. */
  outputs: PropertyChange[] = [];
  readonly #changed: Omit<ResourceChange, "component">[] = [];
  readonly #resources = new Map<string, Resource>();
  readonly #groups = new Map<string, Group>();
  readonly #details = new Map<string, string>();

  /** @param expected the resources that the operation will come to, as far as one knows beforehand */
  constructor(expected: Iterable<KnownResource>) {
    for (const { urn, parent, custom } of expected) this.#resources.set(urn, { urn, parent, custom, state: "expected", started: 0 });
    for (const resource of this.#resources.values()) if (resource.custom) this.#groupOf(resource, 0);
  }

  /** All resources that are known by now. */
  get resources(): Iterable<KnownResource> {
    return this.#resources.values();
  }

  /** What was done to which resource, or would be; those that stay as they are apart. */
  get changed(): ResourceChange[] {
    return this.#changed.map((change) => ({ ...change, component: this.#groupKey(this.#resources.get(change.urn)!) }));
  }

  /** Resources that the operation has come to and is through with. */
  get done(): number {
    return [...this.#resources.values()].filter(({ state }) => state === "done" || state === "failed").length;
  }

  /** How many resources there are to go through; grows when there turn out to be more than expected. */
  get total(): number {
    return this.#resources.size;
  }

  /** What is going on, the longest first: label, what it says of itself, milliseconds. */
  active(now: number): { label: string; detail: string; duration: number }[] {
    return [...this.#resources.values()]
      .filter((resource) => resource.custom && resource.state === "running")
      .sort((a, b) => a.started - b.started)
      .map((resource) => ({
        label: label(this.#groupKey(resource)),
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

  #begin({ urn, type, old, new: wanted }: StepEventMetadata, now: number): Step[] {
    if (isInternal(type)) return [];
    const state = wanted ?? old;
    const resource = this.#resources.get(urn) ?? {
      urn,
      parent: state?.parent ?? "",
      custom: state?.custom === true,
      state: "expected",
      started: now,
    };
    this.#resources.set(urn, resource);
    resource.state = "running";
    resource.started = now;
    if (resource.custom) this.#groupOf(resource, now);
    return [];
  }

  #end(metadata: StepEventMetadata, state: "done" | "failed", now: number): Step[] {
    const { urn, op, type } = metadata;
    if (type === "pulumi:pulumi:Stack") this.outputs = outputChanges(metadata);
    const resource = this.#resources.get(urn);
    if (!resource) return [];
    resource.state = state;
    if (!resource.custom) return [];
    const group = this.#groupOf(resource, now);
    group.ended = now;
    if (state === "done" && !partial.has(op)) {
      count(this.changes, op);
      if (!quiet.has(op)) {
        count(group.changes, op);
        this.#changed.push({ urn, op, properties: propertyChanges(metadata) });
      }
    }
    if (isEmpty(group.changes) || [...group.members].some((member) => member.state === "expected" || member.state === "running")) return [];
    return [this.#close(this.#groupKey(resource), group)];
  }

  #close(key: string, group: Group): Step {
    const step = { label: label(key), changes: group.changes, duration: group.ended - group.started };
    this.#groups.delete(key);
    return step;
  }

  #diagnose({ urn, message, severity, ephemeral }: NonNullable<EngineEvent["diagnosticEvent"]>): void {
    const text = clean(message);
    // What a resource is at for now, whatever its severity: the official kubernetes plugin tells as warnings what it waits for.
    if (ephemeral === true) return this.#detail(urn, text);
    if (text === "" || expected.some((pattern) => pattern.test(text))) return;
    if (severity === "error") this.#fault(urn, text);
    else if (severity === "warning") this.#warn(urn === undefined ? text : `${this.#name(urn)}: ${text}`);
    else if (severity.startsWith("info")) this.#detail(urn, text);
  }

  #detail(urn: string | undefined, text: string): void {
    if (urn === undefined) return;
    const lines = text.split("\n").map((line) => line.trim());
    this.#details.set(urn, lines.at(-1) ?? "");
    // What a command says for people to keep, by the start of the line: commands have no other way.
    for (const line of lines) if (line.startsWith("warning: ")) this.#warn(line.slice("warning: ".length));
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
    const key = resource ? this.#groupKey(resource) : urn;
    return key === urn ? label(urn) : `${label(urn)} (${label(key)})`;
  }

  /** The group that a resource belongs to, with the resource in it; begun by the first of its resources that is begun. */
  #groupOf(resource: Resource, now: number): Group {
    const key = this.#groupKey(resource);
    const group = this.#groups.get(key) ?? { members: new Set(), started: 0, ended: now, changes: {} };
    this.#groups.set(key, group);
    group.members.add(resource);
    if (group.started === 0) group.started = now;
    return group;
  }

  /**
   * The component that a resource is told under: the one below the outermost, so that steps are neither the whole stack nor each
   * certificate.
   */
  #groupKey(resource: Resource): string {
    const components: string[] = [];
    let outermost = resource;
    for (let at: Resource | undefined = resource; at; at = this.#resources.get(at.parent)) {
      outermost = at;
      if (!at.custom) components.push(at.urn);
    }
    return components.at(-2) ?? components.at(-1) ?? outermost.urn;
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
