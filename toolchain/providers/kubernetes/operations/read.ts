/** Read: the object as it is, for refresh, import and `get`. */

import { awaiterFor } from "../await/awaiters.ts";
import { readStatus } from "../await/wait.ts";
import { isUnreachable, type Context } from "../context.ts";
import { fieldManager } from "../managers.ts";
import { normalize } from "../normalize.ts";
import { apiVersionOf, describe, parseId, type KubeObject } from "../objects.ts";
import { checkpoint, inputsOf, liveInputs, manifest, parseCheckpoint, properties } from "../state.ts";
import { resourceType } from "../urn.ts";
import type { JsonObject } from "../values.ts";
import { identity } from "./check.ts";
import { InitError } from "./init-error.ts";

export interface ReadRequest {
  readonly urn: string;
  readonly id: string;
  /** State so far; empty for an import. */
  readonly state: JsonObject;
  /** Inputs so far; empty for an import. */
  readonly inputs: JsonObject;
}

export interface ReadObject {
  readonly id: string;
  readonly state: JsonObject;
  readonly inputs: JsonObject;
}

/** Answers undefined if the object is gone. */
export async function read(context: Context, request: ReadRequest): Promise<ReadObject | undefined> {
  try {
    return await readLive(context, request);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    if (context.config.deleteUnreachable) {
      context.log.warning(request.urn, `${error.message}. The resource is dropped from the state, because deleteUnreachable is set`);
      return undefined;
    }
    if (context.config.skipUpdateUnreachable) {
      context.log.warning(request.urn, `${error.message}. The resource is left as it was, because skipUpdateUnreachable is set`);
      return { id: request.id, state: request.state, inputs: request.inputs };
    }
    throw new Error(
      `${error.message}. If the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true drops its resources from the state`,
      { cause: error },
    );
  }
}

async function readLive(context: Context, request: ReadRequest): Promise<ReadObject | undefined> {
  const before = parseCheckpoint(request.state);
  const known = normalize(manifest(request.inputs));
  const isImport = Object.keys(known).length === 0;
  const type = resourceType(request.urn);
  const { name, namespace } = parseId(request.id);
  const live = await context.cluster.get(
    identity({ apiVersion: type.apiVersion, kind: type.kind, ...known }, name, namespace),
    context.signal,
  );
  if (live === undefined) return undefined;

  const inputs = isImport ? inputsOf(live) : liveInputs(live, known);
  const state = {
    inputs,
    live,
    initialApiVersion: before.initialApiVersion || apiVersionOf(inputs),
    fieldManager: fieldManager(inputs, before.fieldManager),
  };
  const answer = { id: request.id, state: checkpoint(state, request.inputs), inputs: properties(inputs, request.inputs) };
  const problem = isImport ? undefined : await problemOf(context, live, known);
  if (problem !== undefined) throw new InitError(problem, answer.id, answer.state, answer.inputs);
  return answer;
}

/** Why the object is not ready, if the program waits for it. */
async function problemOf(context: Context, live: KubeObject, inputs: KubeObject): Promise<string | undefined> {
  const awaiter = awaiterFor(inputs);
  if (awaiter === undefined) return undefined;
  const status = await readStatus(live, awaiter, context.cluster.client, context.signal);
  return status.state === "ready" ? undefined : [`${describe(live)} is not ready: ${status.message}`, ...status.reasons].join("\n    - ");
}
