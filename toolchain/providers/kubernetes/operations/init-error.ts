/** The object was stored, but is not as it should be: the engine keeps its state and tries again with the next update. */

import { AwaitError, waitUntilReady } from "../await/wait.ts";
import { awaiterFor } from "../await/awaiters.ts";
import { readyTimeoutSeconds } from "../await/status.ts";
import { timeoutSeconds } from "../annotations.ts";
import type { Context } from "../context.ts";
import type { KubeObject } from "../objects.ts";
import type { JsonObject } from "../values.ts";

export class InitError extends Error {
  override readonly name = "InitError";
  readonly id: string;
  readonly state: JsonObject;
  /** For a read: the inputs as they are now. */
  readonly inputs: JsonObject | undefined;

  constructor(message: string, id: string, state: JsonObject, inputs?: JsonObject) {
    super(message);
    this.id = id;
    this.state = state;
    this.inputs = inputs;
  }
}

/**
 * Waits for an object that was just applied, and answers it as it is then.
 * @param customTimeout the resource's own timeout in seconds, or 0
 * @param partial makes the error that keeps the state, from what went wrong and the object as last seen
 */
export async function settle(
  context: Context,
  urn: string,
  applied: KubeObject,
  inputs: KubeObject,
  customTimeout: number,
  partial: (message: string, live: KubeObject) => InitError,
): Promise<KubeObject> {
  try {
    const awaiter = awaiterFor(inputs);
    if (awaiter === undefined) return applied;
    let said = "";
    const live = await waitUntilReady(applied, awaiter, {
      client: context.cluster.client,
      mapping: await context.cluster.mapping(applied, context.signal),
      timeoutSeconds: timeoutSeconds(inputs, customTimeout, readyTimeoutSeconds),
      signal: context.signal,
      report(message) {
        if (message !== said) context.log.status(urn, (said = message));
      },
    });
    context.log.status(urn, "");
    return live;
  } catch (error) {
    const live = error instanceof AwaitError ? (error.object ?? applied) : applied;
    throw partial(error instanceof Error ? error.message : String(error), live);
  }
}
