import { isArchive, isAsset, isMap, isSecret, type Properties, type Value } from "./properties.ts";

/** How one property differs: in the new value only, in the old value only, or in both. */
export type Change = "add" | "delete" | "update";

/**
 * The differences between two property maps, as a map from property path (`a.b[0]["x.y"]`) to change, in the order of the new
 * map with deletions last. Maps and lists are compared member by member, assets and archives by content. A value that becomes
 * secret or stops being one has changed, so that the state is written anew.
 */
export function detailedDiff(olds: Properties, news: Properties): Map<string, Change> {
  const changes = new Map<string, Change>();
  diffMaps("", olds, news, changes);
  return changes;
}

function diffMaps(path: string, olds: Properties, news: Properties, changes: Map<string, Change>): void {
  for (const [key, value] of Object.entries(news)) diffMembers(join(path, key), olds[key], value, changes);
  for (const key of Object.keys(olds)) if (!(key in news)) diffMembers(join(path, key), olds[key], undefined, changes);
}

function diffMembers(path: string, before: Value | undefined, after: Value | undefined, changes: Map<string, Change>): void {
  // A property that is null is the same as one that is not there.
  if (before === undefined || before === null) {
    if (after !== undefined && after !== null) changes.set(path, "add");
  } else if (after === undefined || after === null) {
    changes.set(path, "delete");
  } else {
    diffValues(path, before, after, changes);
  }
}

function diffValues(path: string, before: Value, after: Value, changes: Map<string, Change>): void {
  if (isSecret(before) && isSecret(after)) {
    diffValues(path, before.value, after.value, changes);
  } else if (isContent(before) || isContent(after) || isSecret(before) || isSecret(after)) {
    if (!sameContent(before, after)) changes.set(path, "update");
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      diffMembers(`${path}[${index}]`, before[index], after[index], changes);
    }
  } else if (isMap(before) && isMap(after)) {
    diffMaps(path, before, after, changes);
  } else if (before !== after) {
    changes.set(path, "update");
  }
}

const isContent = (value: Value): boolean => isAsset(value) || isArchive(value);

function sameContent(before: Value, after: Value): boolean {
  const sameKind = (isAsset(before) && isAsset(after)) || (isArchive(before) && isArchive(after));
  return sameKind && before.hash !== undefined && before.hash === after.hash;
}

function join(path: string, key: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The first name of a property path: the input it belongs to. */
export function rootOf(path: string): string {
  return (
    /^(?:\["(.*?)"\]|([^.[]+))/
      .exec(path)
      ?.slice(1)
      .find((name) => name !== undefined) ?? path
  );
}
