/** Operations on objects of any kind in one cluster. */

import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, CancelledError, isFieldConflict, isNotFound, NoMatchError } from "./client/errors.ts";
import { Client, type Patience } from "./client/client.ts";
import { Discovery, objectPath, type Mapping } from "./client/mapping.ts";
import { annotations } from "./annotations.ts";
import { adoptFields } from "./managers.ts";
import { describe, without, type KubeObject } from "./objects.ts";

export interface ApplyOptions {
  readonly manager: string;
  /** Takes over fields that belong to other managers. */
  readonly force: boolean;
  /** Nothing is stored; the answer shows what would be. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Seconds before each retry of a creation whose namespace or kind is not there yet: both may be on their way. */
const prerequisiteDelays = [0.5, 1, 2, 4, 8];

export class Cluster {
  readonly client: Client;
  readonly #discovery: Discovery;

  constructor(client: Client) {
    this.client = client;
    this.#discovery = new Discovery(client);
  }

  mapping(object: KubeObject, signal: AbortSignal, patience: Patience = "update"): Promise<Mapping> {
    return this.#discovery.mapping(object, signal, patience);
  }

  /** The live object, or undefined if it or its kind does not exist. */
  async get(object: KubeObject, signal: AbortSignal, patience: Patience = "update"): Promise<KubeObject | undefined> {
    try {
      const mapping = await this.mapping(object, signal, patience);
      return await this.client.request({ path: objectPath(mapping, object), signal, patience });
    } catch (error) {
      if (isNotFound(error) || error instanceof NoMatchError) return undefined;
      throw error;
    }
  }

  /** Server-side apply; answers the object that results. */
  async apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const patience = options.dryRun ? "preview" : "update";
    const mapping = await this.mapping(object, options.signal, patience);
    const body = mapping.namespaced ? object : without(object, ["metadata", "namespace"]);
    try {
      return await this.client.request({
        method: "PATCH",
        path: objectPath(mapping, body),
        query: {
          fieldManager: options.manager,
          force: String(options.force),
          fieldValidation: "Warn",
          ...(options.dryRun ? { dryRun: "All" } : {}),
        },
        body,
        contentType: "application/apply-patch+yaml",
        signal: options.signal,
        patience,
      });
    } catch (error) {
      throw isFieldConflict(error) ? new ConflictError(object, error) : error;
    }
  }

  /** `apply` for an object that is new: waits a little for its namespace and its kind to come into being. */
  async create(object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.apply(object, options);
      } catch (error) {
        const delay = prerequisiteDelays[attempt];
        if (delay === undefined || options.dryRun || !(isNotFound(error) || error instanceof NoMatchError)) throw error;
        await sleep(delay * 1000, undefined, { signal: options.signal }).catch(() => {
          throw new CancelledError();
        });
      }
    }
  }

  /** Hands the fields of client-side appliers over to the manager, so that applying does not conflict with them. */
  async adopt(live: KubeObject, manager: string, signal: AbortSignal): Promise<void> {
    const mapping = await this.mapping(live, signal);
    await this.client.request({
      method: "PATCH",
      path: objectPath(mapping, live),
      body: [{ op: "replace", path: "/metadata/managedFields", value: adoptFields(live, manager) }],
      contentType: "application/json-patch+json",
      signal,
    });
  }

  /** Starts the deletion; false if there was nothing to delete. */
  async delete(object: KubeObject, propagationPolicy: string, signal: AbortSignal): Promise<boolean> {
    try {
      const mapping = await this.mapping(object, signal);
      const path = objectPath(mapping, object);
      await this.client.request({ method: "DELETE", path, body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy }, signal });
      return true;
    } catch (error) {
      if (isNotFound(error) || error instanceof NoMatchError) return false;
      throw error;
    }
  }
}

/** Fields of the object belong to other managers, and the program did not ask to take them over. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";

  constructor(object: KubeObject, cause: ApiError) {
    super(
      `${describe(object)}: ${cause.message}. Server-side apply does not overwrite what another field manager owns; ` +
        `leave the field out, or take it over: by PULUMI_K8S_ENABLE_PATCH_FORCE=true for this run, or by the annotation ${annotations.force}: "true"`,
      { cause },
    );
  }
}
