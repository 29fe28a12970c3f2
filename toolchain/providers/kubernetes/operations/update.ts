/** Update: applies changed inputs to an existing object and waits until it is ready again. */

import { hasUnknown } from "../../shared/properties.ts";
import { annotations, isTrue } from "../annotations.ts";
import { ApiError, NoMatchError } from "../client/errors.ts";
import { isUnreachable, type Context } from "../context.ts";
import { parsePath } from "../diff.ts";
import { fieldManager, hasClientSideManager, ignoreChanges, nothing } from "../managers.ts";
import { normalize } from "../normalize.ts";
import { describe, idOf, parseId, type KubeObject } from "../objects.ts";
import { checkpoint, manifest, parseCheckpoint } from "../state.ts";
import { resourceType } from "../urn.ts";
import type { JsonObject } from "../values.ts";
import { identity } from "./check.ts";
import { InitError, settle } from "./init-error.ts";

export interface UpdateRequest {
  readonly urn: string;
  readonly id: string;
  /** State of the resource. */
  readonly olds: JsonObject;
  /** Inputs as `check` answered them. */
  readonly news: JsonObject;
  /** The resource's own timeout in seconds, or 0. */
  readonly timeout: number;
  readonly ignoreChanges: readonly string[];
  readonly preview: boolean;
}

/** The new state. */
export async function update(context: Context, request: UpdateRequest): Promise<JsonObject> {
  const inputs = normalize(manifest(request.news));
  const before = parseCheckpoint(request.olds);
  const manager = fieldManager(inputs, before.fieldManager);
  const stateOf = (live: KubeObject): JsonObject =>
    checkpoint({ inputs, live, initialApiVersion: before.initialApiVersion, fieldManager: manager }, request.news);
  if (request.preview) {
    const expected = hasUnknown(request.news) ? undefined : await preview(context, request, inputs, manager);
    return expected === undefined ? request.news : stateOf(expected);
  }

  const live = await existing(context, request, inputs);
  if (live === undefined) {
    throw new Error(`${request.id} does not exist any more; run the command again after a refresh, which will create it anew`);
  }
  if (!resourceType(request.urn).patch && hasClientSideManager(live)) await context.cluster.adopt(live, manager, context.signal);
  const options = { manager, force: forced(context, inputs), dryRun: false, signal: context.signal };
  const applied = await context.cluster.apply(prepared(request, inputs, live, manager), options);
  const old = before.fieldManager ?? manager;
  if (old !== manager) await context.cluster.apply(nothing(applied), { ...options, manager: old, force: false });

  const partial = (message: string, latest: KubeObject): InitError => new InitError(message, idOf(latest), stateOf(latest));
  return stateOf(await settle(context, request.urn, applied, inputs, request.timeout, partial));
}

function existing(context: Context, request: UpdateRequest, inputs: KubeObject): Promise<KubeObject | undefined> {
  const { name, namespace } = parseId(request.id);
  return context.cluster.get(identity(inputs, name, namespace), context.signal, request.preview ? "preview" : "update");
}

function prepared(request: UpdateRequest, inputs: KubeObject, live: KubeObject, manager: string): KubeObject {
  return ignoreChanges(inputs, live, request.ignoreChanges.map(parsePath), manager);
}

function forced(context: Context, inputs: KubeObject): boolean {
  return context.config.enablePatchForce || isTrue(inputs, annotations.force);
}

/** The object as it would be, or undefined where the server cannot say. */
async function preview(context: Context, request: UpdateRequest, inputs: KubeObject, manager: string): Promise<KubeObject | undefined> {
  try {
    const live = await existing(context, request, inputs);
    if (live === undefined) return undefined;
    const force = forced(context, inputs) || hasClientSideManager(live);
    return await context.cluster.apply(prepared(request, inputs, live, manager), { manager, force, dryRun: true, signal: context.signal });
  } catch (error) {
    if (isUnreachable(error) || error instanceof NoMatchError || (error instanceof ApiError && error.status === 403)) return undefined;
    throw error instanceof ApiError ? new Error(`${describe(inputs)}: ${error.message}`, { cause: error }) : error;
  }
}
