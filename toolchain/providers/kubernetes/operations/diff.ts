/** Diff: what an update would change, and whether the object can take it in place. */

import { hasUnknown } from "../../shared/properties.ts";
import { annotations, isTrue } from "../annotations.ts";
import { awaiterFor } from "../await/awaiters.ts";
import { readStatus } from "../await/wait.ts";
import { ApiError, NoMatchError } from "../client/errors.ts";
import { isUnreachable, type Context } from "../context.ts";
import { changes, formatPath, isBelow, parsePath, type Change } from "../diff.ts";
import { refusalOf, refusedFields, replacedPaths, replacements } from "../immutable.ts";
import { fieldManager } from "../managers.ts";
import { normalize } from "../normalize.ts";
import { at, kindOf, nameOf, namespaceOf, without, withMetadata, type KubeObject } from "../objects.ts";
import { manifest, parseCheckpoint } from "../state.ts";
import { resourceType } from "../urn.ts";
import { equal, type Json, type JsonObject } from "../values.ts";
import { isNamedByProgram } from "./check.ts";

export interface DiffRequest {
  readonly urn: string;
  /** State of the resource. */
  readonly olds: JsonObject;
  /** Inputs as `check` answered them. */
  readonly news: JsonObject;
  readonly ignoreChanges: readonly string[];
}

export interface Diff {
  readonly changes: readonly { readonly path: string; readonly kind: Change["kind"]; readonly replace: boolean }[];
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

const replaceUnreadyPath = 'metadata.annotations["pulumi.com/replaceUnready"]';

export async function diff(context: Context, request: DiffRequest): Promise<Diff> {
  const state = parseCheckpoint(request.olds);
  const { patch } = resourceType(request.urn);
  const next = await canonical(context, normalize(manifest(request.news)));
  const inputs = { ...state.inputs, apiVersion: state.inputs["apiVersion"] ?? next["apiVersion"] ?? "" };
  const old = await canonical(context, normalize(inputs));
  const ignored = request.ignoreChanges.map(parsePath);
  const all = changes(old, next).filter((change) => !ignored.some((path) => isBelow(change.path, path)));

  const verdict = all.length === 0 ? nothingToSay : await ask(context, state.live, state.fieldManager, next);
  // Another spelling of the same value (1000m for 1, say; or an empty value for none): an update would change nothing.
  const real = verdict.noop && all.every((change) => change.kind === "update" || isEmpty(change, old, next)) ? [] : all;
  const replaced = replacements(real, replacedPaths(next, patch, context.mutable), verdict.refused);
  const unready = isTrue(next, annotations.replaceUnready) && (await isUnready(context, request.urn, state.live));
  const replaces = [...Array.from(replaced, (change) => formatPath(change.path)), ...(unready ? [replaceUnreadyPath] : [])];
  return {
    changes: real.map((change) => ({ path: formatPath(change.path), kind: change.kind, replace: replaced.has(change) })),
    replaces,
    deleteBeforeReplace: replaces.length > 0 && isNamedByProgram(next) && isSameObject(next, state.live),
  };
}

/** Whether an empty value comes or goes, such as a `storageClassName: ""`, which the server does not store. */
function isEmpty({ kind, path }: Change, old: KubeObject, next: KubeObject): boolean {
  const value = path.reduce<Json | undefined>(
    (inside, step) => (Array.isArray(inside) ? inside[Number(step)] : at(inside, String(step))),
    kind === "delete" ? old : next,
  );
  return value === "" || ["0", "false", "[]", "{}", "null"].some((empty) => equal(value, JSON.parse(empty) as Json));
}

function isSameObject(next: KubeObject, live: KubeObject): boolean {
  return nameOf(next) === nameOf(live) && (namespaceOf(next) || "default") === (namespaceOf(live) || "default");
}

/** The inputs with the namespace that they mean: none for kinds without, `default` where none is named. */
async function canonical(context: Context, inputs: KubeObject): Promise<KubeObject> {
  if (!(await context.isNamespaced(inputs))) return without(inputs, ["metadata", "namespace"]);
  return namespaceOf(inputs) === "" ? withMetadata(inputs, { namespace: "default" }) : inputs;
}

interface Verdict {
  /** The update would leave the object as it is. */
  readonly noop: boolean;
  /** Fields that the server refuses to change. */
  readonly refused: readonly string[];
}

const nothingToSay: Verdict = { noop: false, refused: [] };

/** Asks the server by a dry run of the update. Where it cannot tell, the comparison of inputs has to do. */
async function ask(context: Context, live: KubeObject, before: string | undefined, next: KubeObject): Promise<Verdict> {
  if (hasUnknown(next) || nameOf(next) !== nameOf(live)) return nothingToSay;
  try {
    const options = { manager: fieldManager(next, before), force: true, dryRun: true, signal: context.signal };
    const result = await context.cluster.apply(next, options);
    return { noop: equal(comparable(result), comparable(live)), refused: [] };
  } catch (error) {
    if (error instanceof ApiError) return { noop: false, refused: refusedFields(refusalOf(error.body)) };
    if (isUnreachable(error) || error instanceof NoMatchError) return nothingToSay;
    throw error;
  }
}

/** The object without what changes by itself. */
function comparable(object: KubeObject): KubeObject {
  const volatile = [
    ["status"],
    ["metadata", "managedFields"],
    ["metadata", "resourceVersion"],
    ["metadata", "generation"],
    ["metadata", "annotations", "deployment.kubernetes.io/revision"],
  ];
  return volatile.reduce<KubeObject>((result, path) => without(result, path), object);
}

/** For the replaceUnready annotation, which the official provider knows for Jobs. */
async function isUnready(context: Context, urn: string, live: KubeObject): Promise<boolean> {
  const awaiter = awaiterFor(live);
  if (kindOf(live) !== "Job" || awaiter === undefined) {
    context.log.warning(urn, `${annotations.replaceUnready} works for Jobs that are waited for, and not here`);
    return false;
  }
  try {
    const current = await context.cluster.get(live, context.signal, "preview");
    if (current === undefined) return false;
    return (await readStatus(current, awaiter, context.cluster.client, context.signal)).state !== "ready";
  } catch (error) {
    if (isUnreachable(error)) return false;
    throw error;
  }
}
