/** Waits for objects by watching them: no polling, and an end by readiness, failure, timeout or cancellation. */

import type { Client } from "../client/client.ts";
import { ApiError } from "../client/errors.ts";
import { follow, list, type Collection } from "../client/follow.ts";
import { collectionPath, type Mapping } from "../client/mapping.ts";
import { describe, nameOf, namespaceOf, textAt, listAt, type KubeObject } from "../objects.ts";
import type { Awaiter, Related, RelatedKind, Status } from "./status.ts";

/** The object exists, but is not as it should be; it says why. */
export class AwaitError extends Error {
  override readonly name = "AwaitError";
  /** The object as last seen; undefined if it vanished. */
  readonly object: KubeObject | undefined;
  readonly reasons: readonly string[];

  constructor(message: string, object: KubeObject | undefined, reasons: readonly string[]) {
    super([message, ...reasons].join("\n    - "));
    this.object = object;
    this.reasons = reasons;
  }
}

export interface Wait {
  readonly client: Client;
  readonly mapping: Mapping;
  readonly timeoutSeconds: number;
  /** The user's cancellation. */
  readonly signal: AbortSignal;
  /** Told each time that there is something new to say. */
  readonly report: (message: string) => void;
}

const relatedMappings: Readonly<Record<RelatedKind, Mapping>> = {
  pods: { root: "/api/v1", plural: "pods", namespaced: true },
  endpointSlices: { root: "/apis/discovery.k8s.io/v1", plural: "endpointslices", namespaced: true },
  services: { root: "/api/v1", plural: "services", namespaced: true },
  storageClasses: { root: "/apis/storage.k8s.io/v1", plural: "storageclasses", namespaced: false },
};

function itself(mapping: Mapping, object: KubeObject): Collection {
  return { path: collectionPath(mapping, namespaceOf(object)), query: { fieldSelector: `metadata.name=${nameOf(object)}` } };
}

function relatedTo(object: KubeObject, awaiter: Awaiter): { kind: RelatedKind; collection: Collection }[] {
  return awaiter.related(object).map(({ kind, query }) => {
    return { kind, collection: { path: collectionPath(relatedMappings[kind], namespaceOf(object)), query } };
  });
}

const noRelated: Related = { pods: [], endpointSlices: [], services: [], storageClasses: [] };

/** Waits until the object is ready and answers it. Throws AwaitError. */
export async function waitUntilReady(object: KubeObject, awaiter: Awaiter, wait: Wait): Promise<KubeObject> {
  let current: KubeObject | undefined = object;
  let status: Status = { state: "waiting", message: "waits for the first status", reasons: [] };
  const seen: { -readonly [kind in RelatedKind]: Related[kind] } = { ...noRelated };

  return watchUntil<KubeObject>(
    wait,
    (settle) => {
      const evaluate = (): void => {
        if (current === undefined)
          return settle.fail(new AwaitError(`${describe(object)} was deleted while it was waited for`, undefined, []));
        status = awaiter.status(current, seen);
        if (status.state === "ready") return settle.done(current);
        if (status.state === "failed")
          return settle.fail(new AwaitError(`${describe(object)}: ${status.message}`, current, status.reasons));
        wait.report([status.message, ...status.reasons].join("; "));
      };
      return [
        {
          collection: itself(wait.mapping, object),
          changed([latest]) {
            current = latest;
            evaluate();
          },
        },
        ...relatedTo(object, awaiter).map(({ kind, collection }) => ({
          collection,
          auxiliary: true,
          changed(objects: readonly KubeObject[]) {
            seen[kind] = objects;
            evaluate();
          },
        })),
      ];
    },
    (what) => {
      const message = `${describe(object)} is not ready: ${what}${status.state === "waiting" ? `; ${status.message}` : ""}`;
      return new AwaitError(message, current, status.state === "waiting" ? status.reasons : []);
    },
  );
}

/** The status of the object right now. */
export async function readStatus(object: KubeObject, awaiter: Awaiter, client: Client, signal: AbortSignal): Promise<Status> {
  const seen: { -readonly [kind in RelatedKind]: Related[kind] } = { ...noRelated };
  await Promise.all(
    relatedTo(object, awaiter).map(async ({ kind, collection }) => {
      seen[kind] = await list(client, collection, signal).catch((error: unknown) => {
        if (error instanceof ApiError && error.status === 403) return [];
        throw error;
      });
    }),
  );
  return awaiter.status(object, seen);
}

/** Waits until the object is gone (or replaced by another of the same name). Throws AwaitError. */
export async function waitUntilDeleted(object: KubeObject, wait: Wait): Promise<void> {
  const uid = textAt(object, "metadata", "uid");
  let current: KubeObject | undefined = object;
  await watchUntil<void>(
    wait,
    (settle) => [
      {
        collection: itself(wait.mapping, object),
        changed([latest]) {
          current = latest;
          if (latest === undefined || (uid !== undefined && textAt(latest, "metadata", "uid") !== uid)) return settle.done();
          const finalizers = listAt(latest, "metadata", "finalizers").join(", ");
          wait.report(finalizers === "" ? "waits for the deletion" : `waits for the deletion (finalizers: ${finalizers})`);
        },
      },
    ],
    (what) => {
      const finalizers = listAt(current, "metadata", "finalizers").map((name) => `finalizer ${String(name)} is not done`);
      return new AwaitError(`${describe(object)} is not deleted: ${what}`, current, finalizers);
    },
  );
}

interface Settle<T> {
  done(value: T): void;
  fail(error: Error): void;
}

interface Watched {
  readonly collection: Collection;
  /** Only helps to explain: that the user may not read it is no reason to give up. */
  readonly auxiliary?: boolean;
  changed(objects: readonly KubeObject[]): void;
}

/** Follows the collections until they settle the matter, time is up or the user cancels; then nothing is left running. */
async function watchUntil<T>(wait: Wait, start: (settle: Settle<T>) => readonly Watched[], ended: (what: string) => Error): Promise<T> {
  const stop = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(ended(`timed out after ${wait.timeoutSeconds} s`)), wait.timeoutSeconds * 1000);
  const onCancel = (): void => reject(ended("cancelled by the user"));
  wait.signal.addEventListener("abort", onCancel, { once: true });
  if (wait.signal.aborted) onCancel();
  const running = start({ done: resolve, fail: reject }).map(({ collection, changed, auxiliary }) =>
    follow(wait.client, collection, stop.signal, changed).catch((error: Error) =>
      auxiliary === true ? wait.report(`cannot watch ${collection.path}: ${error.message}`) : reject(error),
    ),
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    wait.signal.removeEventListener("abort", onCancel);
    stop.abort();
    await Promise.all(running);
  }
}
