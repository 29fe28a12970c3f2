/** Keeps a collection in step with the server: one list, then a watch that goes on where it ended. */

import { setTimeout as sleep } from "node:timers/promises";
import { idOf, listAt, numberAt, objectAt, textAt, type KubeObject } from "../objects.ts";
import { isObject, type JsonObject } from "../values.ts";
import type { Client } from "./client.ts";
import { ApiError, CancelledError } from "./errors.ts";

export interface Collection {
  readonly path: string;
  /** `labelSelector` or `fieldSelector`. */
  readonly query: Readonly<Record<string, string>>;
}

/** The objects of the collection as they are now. */
export async function list(client: Client, collection: Collection, signal: AbortSignal): Promise<KubeObject[]> {
  return items(await client.request({ ...collection, signal }));
}

/**
 * Calls `changed` with all objects of the collection, first and after each change, until the signal ends it.
 * A broken watch is taken up again; the promise rejects with what the server refuses for good (403, 404).
 */
export async function follow(
  client: Client,
  collection: Collection,
  signal: AbortSignal,
  changed: (objects: readonly KubeObject[]) => void,
): Promise<void> {
  const objects = new Map<string, KubeObject>();
  while (!signal.aborted) {
    try {
      const answer = await client.request({ ...collection, signal });
      objects.clear();
      for (const object of items(answer)) objects.set(idOf(object), object);
      changed([...objects.values()]);
      await watchFrom(client, collection, textAt(answer, "metadata", "resourceVersion") ?? "0", signal, (type, object) => {
        if (type === "DELETED") objects.delete(idOf(object));
        else objects.set(idOf(object), object);
        changed([...objects.values()]);
      });
    } catch (error) {
      if (signal.aborted || error instanceof CancelledError) return;
      if (error instanceof ApiError && (error.status === 403 || error.status === 404)) throw error;
      await sleep(1000, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Returns when the server has forgotten the version that the watch would go on from. */
async function watchFrom(
  client: Client,
  collection: Collection,
  version: string,
  signal: AbortSignal,
  onEvent: (type: string, object: KubeObject) => void,
): Promise<void> {
  let resourceVersion = version;
  while (!signal.aborted) {
    for await (const event of client.watch(collection.path, { ...collection.query, resourceVersion }, signal)) {
      const object = objectAt(event, "object");
      if (event["type"] === "ERROR") {
        if (numberAt(object, "code") === 410) return;
        throw new ApiError(numberAt(object, "code") ?? 0, object);
      }
      resourceVersion = textAt(object, "metadata", "resourceVersion") ?? resourceVersion;
      if (event["type"] !== "BOOKMARK") onEvent(String(event["type"]), object);
    }
  }
}

/** A list omits the kind of its items; they get it back. */
function items(answer: JsonObject): KubeObject[] {
  const apiVersion = textAt(answer, "apiVersion") ?? "";
  const kind = (textAt(answer, "kind") ?? "").replace(/List$/, "");
  return listAt(answer, "items")
    .filter(isObject)
    .map((item) => ({ apiVersion, kind, ...item }));
}
