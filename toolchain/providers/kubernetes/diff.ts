/** What changes between two versions of a resource's inputs, as paths that the engine shows. */

import { equal, isObject, type Json } from "./values.ts";

export type ChangeKind = "add" | "delete" | "update";

export interface Change {
  readonly path: readonly (string | number)[];
  readonly kind: ChangeKind;
}

/** Every place where the new inputs differ from the old, each at the deepest member that both have. */
export function changes(old: Json, next: Json, path: readonly (string | number)[] = []): Change[] {
  if (isObject(old) && isObject(next)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(next)]);
    return [...keys].flatMap((key) => memberChanges(old[key], next[key], [...path, key]));
  }
  if (Array.isArray(old) && Array.isArray(next)) {
    const length = Math.max(old.length, next.length);
    return Array.from({ length }, (_, index) => memberChanges(old[index], next[index], [...path, index])).flat();
  }
  return equal(old, next) ? [] : [{ path, kind: "update" }];
}

function memberChanges(old: Json | undefined, next: Json | undefined, path: readonly (string | number)[]): Change[] {
  if (old === undefined) return next === undefined ? [] : [{ path, kind: "add" }];
  if (next === undefined) return [{ path, kind: "delete" }];
  return changes(old, next, path);
}

/** A path as the engine writes it: `spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** The reverse of `formatPath`, which also takes the wildcard `[*]` (as the step `*`). */
export function parsePath(text: string): (string | number)[] {
  const steps = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g);
  return Array.from(steps, ([, quoted, index, name]) => {
    if (quoted !== undefined) return quoted.replaceAll('\\"', '"');
    return index === undefined ? (name ?? "") : index === "*" ? "*" : Number(index);
  });
}

/** Whether `path` is `prefix` or lies below it. The step `*` in the prefix stands for any step. */
export function isBelow(path: readonly (string | number)[], prefix: readonly (string | number)[]): boolean {
  return path.length >= prefix.length && prefix.every((step, index) => step === "*" || step === path[index]);
}
