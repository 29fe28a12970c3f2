import type { StepEventMetadata } from "@pulumi/pulumi/automation/index.js";

/** How a property is changed. */
export interface PropertyChange {
  /** As the engine writes it, e.g. `environment.PEAK_PRODUCT` or `triggers[0]`. */
  path: string;
  kind: "add" | "delete" | "update";
  /** Whether the resource is replaced because of it. */
  replaces: boolean;
  /** Absent when it was not there. Secrets are the text `[secret]`, what only the update will show is `[unknown]`. */
  old?: unknown;
  /** Absent when it will not be there, likewise. */
  new?: unknown;
}

/** How a resource is changed. */
export interface ResourceChange {
  urn: string;
  /** The engine's word: `create`, `update`, `replace`, `delete`, ... */
  op: string;
  /** URN of the component that it is told under; its own where it is in none. */
  component: string;
  /** Of an update or a replacement, sorted by path. */
  properties: PropertyChange[];
}

/** Marks of the engine: of a secret, and of a value that is not known before the update. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What a step of the engine changes of a resource's properties. */
export function propertyChanges({ op, old, new: wanted, detailedDiff, diffs, keys }: StepEventMetadata): PropertyChange[] {
  if (op !== "update" && op !== "replace") return [];
  // A provider need not tell more than the names.
  const named = Object.fromEntries([...(diffs ?? []), ...(keys ?? [])].map((path) => [path, { diffKind: "", inputDiff: true }]));
  const paths = Object.entries(Object.keys(detailedDiff ?? {}).length > 0 ? detailedDiff! : named);
  return paths
    .map(([path, { diffKind, inputDiff }]) => {
      const before = valueAt((inputDiff ? old?.inputs : old?.outputs) ?? {}, path) ?? valueAt(old?.inputs ?? {}, path);
      const after = valueAt(wanted?.inputs ?? {}, path);
      const kind = (/^(add|delete)/.exec(diffKind)?.[0] ?? "update") as PropertyChange["kind"];
      return {
        path,
        kind,
        replaces: diffKind.endsWith("-replace") || (keys ?? []).includes(path),
        ...(kind !== "add" && before !== undefined && { old: before }),
        ...(kind !== "delete" && after !== undefined && { new: after }),
      };
    })
    .sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));
}

/** Which outputs of the stack are changed by what the engine tells of the stack itself. */
export function outputChanges({ old, new: wanted }: StepEventMetadata): PropertyChange[] {
  const before = plain(old?.outputs ?? {}) as Record<string, unknown>;
  const after = plain(wanted?.outputs ?? {}) as Record<string, unknown>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .map((name) => ({
      path: name,
      kind: !(name in before) ? "add" : name in after ? "update" : "delete",
      replaces: false,
      ...(name in before && { old: before[name] }),
      ...(name in after && { new: after[name] }),
    }));
}

/** The value that a path leads to, as it may be shown; undefined if there is none. */
function valueAt(properties: object, path: string): unknown {
  let value: unknown = properties;
  for (const [, name, index, quoted] of path.matchAll(/\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/g)) {
    value = plain(value);
    if (typeof value !== "object" || value === null) return value === undefined ? undefined : value;
    value = (value as Record<string, unknown>)[name ?? index ?? quoted!.replace(/\\(.)/g, "$1")];
  }
  return plain(value);
}

/** A value as it may be shown, in full depth. */
function plain(value: unknown): unknown {
  if (value === UNKNOWN) return "[unknown]";
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (SIGNATURE in value) return "ciphertext" in value || "plaintext" in value ? "[secret]" : "[asset]";
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
