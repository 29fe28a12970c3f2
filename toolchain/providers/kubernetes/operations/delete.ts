/** Delete: removes an object and waits until it is gone; a patch gives up its fields. */

import { deletionPropagation, timeoutSeconds } from "../annotations.ts";
import { awaitsDeletion, deletionTimeoutSeconds } from "../await/awaiters.ts";
import { AwaitError, waitUntilDeleted } from "../await/wait.ts";
import { isUnreachable, type Context } from "../context.ts";
import { fieldManager, nothing } from "../managers.ts";
import { idOf, parseId } from "../objects.ts";
import { checkpoint, parseCheckpoint, type Checkpoint } from "../state.ts";
import { resourceType } from "../urn.ts";
import type { JsonObject } from "../values.ts";
import { identity } from "./check.ts";
import { InitError } from "./init-error.ts";

export interface DeleteRequest {
  readonly urn: string;
  readonly id: string;
  /** State of the resource. */
  readonly state: JsonObject;
  /** The resource's own timeout in seconds, or 0. */
  readonly timeout: number;
}

export async function remove(context: Context, request: DeleteRequest): Promise<void> {
  const before = parseCheckpoint(request.state);
  try {
    await removeLive(context, request, before);
  } catch (error) {
    if (error instanceof AwaitError && error.object !== undefined) {
      throw new InitError(error.message, idOf(error.object), checkpoint({ ...before, live: error.object }, request.state));
    }
    if (!isUnreachable(error)) throw error;
    if (!context.config.deleteUnreachable) {
      throw new Error(
        `${error.message}. If the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true drops its resources from the state`,
        { cause: error },
      );
    }
    context.log.warning(request.urn, `${error.message}. The resource is dropped from the state, because deleteUnreachable is set`);
  }
}

async function removeLive(context: Context, request: DeleteRequest, before: Checkpoint): Promise<void> {
  const { name, namespace } = parseId(request.id);
  const { cluster, signal } = context;
  const live = await cluster.get(identity(before.live, name, namespace), signal);
  if (live === undefined) return;
  if (resourceType(request.urn).patch) {
    const manager = fieldManager(before.inputs, before.fieldManager);
    await cluster.apply(nothing(live), { manager, force: false, dryRun: false, signal });
    return;
  }
  const deleting = await cluster.delete(live, deletionPropagation(before.inputs), signal);
  if (!deleting || !awaitsDeletion(before.inputs, live)) return;
  await waitUntilDeleted(live, {
    client: cluster.client,
    mapping: await cluster.mapping(live, signal),
    timeoutSeconds: timeoutSeconds(before.inputs, request.timeout, deletionTimeoutSeconds(live)),
    signal,
    report: (message) => context.log.status(request.urn, message),
  });
  context.log.status(request.urn, "");
}
