/** Create: applies a new object and waits until it is ready. */

import { hasUnknown, UNKNOWN } from "../../shared/properties.ts";
import { annotations, isTrue, timeoutSeconds } from "../annotations.ts";
import { waitUntilDeleted } from "../await/wait.ts";
import { ApiError, NoMatchError } from "../client/errors.ts";
import { isUnreachable, type Context } from "../context.ts";
import { refusalOf, refusedFields } from "../immutable.ts";
import { fieldManager } from "../managers.ts";
import { normalize } from "../normalize.ts";
import { apiVersionOf, at, describe, idOf, kindOf, objectAt, textAt, withMetadata, without, type KubeObject } from "../objects.ts";
import { checkpoint, manifest } from "../state.ts";
import { resourceType } from "../urn.ts";
import type { JsonObject } from "../values.ts";
import { InitError, settle } from "./init-error.ts";

export interface CreateRequest {
  readonly urn: string;
  /** Inputs as `check` answered them. */
  readonly properties: JsonObject;
  /** The resource's own timeout in seconds, or 0. */
  readonly timeout: number;
  readonly preview: boolean;
}

export interface Created {
  readonly id: string;
  readonly state: JsonObject;
}

export async function create(context: Context, request: CreateRequest): Promise<Created> {
  const inputs = normalize(manifest(request.properties));
  const manager = fieldManager(inputs, undefined);
  const { patch } = resourceType(request.urn);
  const stateOf = (live: KubeObject): JsonObject =>
    checkpoint({ inputs, live, initialApiVersion: apiVersionOf(inputs), fieldManager: manager }, request.properties);
  if (request.preview) {
    const expected = patch || hasUnknown(request.properties) ? undefined : await preview(context, inputs, manager);
    return { id: "", state: expected === undefined ? request.properties : stateOf(expected) };
  }

  if (!patch && !context.config.upsertExistingObjects) await ensureAbsent(context, request, inputs);
  const force = context.config.enablePatchForce || isTrue(inputs, annotations.force);
  const applied = await context.cluster.create(inputs, { manager, force, dryRun: false, signal: context.signal });
  const partial = (message: string, live: KubeObject): InitError => new InitError(message, idOf(live), stateOf(live));
  const live = await settle(context, request.urn, applied, inputs, request.timeout, partial);
  return { id: idOf(live), state: stateOf(live) };
}

/** The object as the server would make it, or undefined where it cannot say that yet (its namespace is to come, for example). */
async function preview(context: Context, inputs: KubeObject, manager: string): Promise<KubeObject | undefined> {
  try {
    const result = await context.cluster.apply(inputs, { manager, force: true, dryRun: true, signal: context.signal });
    return unsettled(without(result, ["status"]), inputs);
  } catch (error) {
    if (isUnreachable(error) || error instanceof NoMatchError) return undefined;
    if (error instanceof ApiError && ([400, 403, 404, 409].includes(error.status) || isReplacement(error))) return undefined;
    throw error;
  }
}

/** A dry run makes up what the server chooses for each object anew; the real values are not known yet. */
function unsettled(result: KubeObject, inputs: KubeObject): KubeObject {
  const metadata = { uid: UNKNOWN, resourceVersion: UNKNOWN, creationTimestamp: UNKNOWN };
  const object = withMetadata(without(result, ["metadata", "managedFields"]), metadata);
  if (kindOf(inputs) !== "Service" || apiVersionOf(inputs) !== "v1") return object;
  const chosen = ["clusterIP", "clusterIPs"].filter(
    (name) => at(inputs, "spec", name) === undefined && at(object, "spec", name) !== undefined,
  );
  return { ...object, spec: { ...objectAt(object, "spec"), ...Object.fromEntries(chosen.map((name) => [name, UNKNOWN])) } };
}

/** The name is still that of the object that this one replaces. */
const isReplacement = (error: ApiError): boolean => refusedFields(refusalOf(error.body)).length > 0;

/** An object that exists already belongs to somebody else; one that is on its way out is waited for. */
async function ensureAbsent(context: Context, request: CreateRequest, inputs: KubeObject): Promise<void> {
  const existing = await context.cluster.get(inputs, context.signal);
  if (existing === undefined) return;
  if (textAt(existing, "metadata", "deletionTimestamp") === undefined) {
    throw new Error(
      `${describe(existing)} exists already. If a resource was renamed, give it an alias; else import the object (pulumi import), or give it ` +
        "another name",
    );
  }
  await waitUntilDeleted(existing, {
    client: context.cluster.client,
    mapping: await context.cluster.mapping(existing, context.signal),
    timeoutSeconds: timeoutSeconds(inputs, request.timeout, 300),
    signal: context.signal,
    report: (message) => context.log.status(request.urn, `an object of that name is being deleted: ${message}`),
  });
}
