import { readFile, rm, writeFile } from "node:fs/promises";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { messageOf } from "../errors.ts";
import { heardLate } from "../interrupt.ts";
import { engineMessage } from "./environment.ts";
import { importState } from "./exported.ts";
import { type ExportedStack, withoutPending } from "./state.ts";

/** A Kubernetes object that an interrupted run had begun to make: what a state has to say of it for a refresh to look for it. */
interface BegunObject {
  urn: string;
  type: string;
  custom: true;
  /** The one that it has if it was made. */
  id: string;
  parent?: string;
  provider?: string;
  inputs: { apiVersion?: string; kind?: string; metadata: { name: string; namespace?: string; annotations?: object } };
}

interface PendingOperation {
  type: string;
  resource: Omit<BegunObject, "id" | "inputs"> & { inputs?: Partial<BegunObject["inputs"]> };
}

/** Only of objects is it not enough to do the operation again: what exists is not made twice, and as the state has it, it is somebody else's. */
export function begunObjects({ deployment }: ExportedStack): BegunObject[] {
  const pending = (deployment.pending_operations ?? []) as PendingOperation[];
  return pending.flatMap(({ type: operation, resource: { urn, type, parent, provider, inputs } }) => {
    const { apiVersion, kind, metadata } = inputs ?? {};
    if (operation !== "creating" || !type.startsWith("kubernetes:") || typeof metadata?.name !== "string") return [];
    const { name, namespace, annotations } = metadata;
    return [{
      urn,
      type,
      custom: true,
      id: namespace === undefined ? name : `${namespace}/${name}`,
      ...(parent && { parent }),
      ...(provider && { provider }),
      inputs: {
        ...(apiVersion && { apiVersion }),
        ...(kind && { kind }),
        metadata: { name, ...(namespace && { namespace }), ...(annotations && { annotations }) },
      },
    }];
  });
}

/** The begun objects that a state can take: it refuses one whose parent or provider it does not have. */
export function placeable(begun: readonly BegunObject[], { deployment }: ExportedStack): BegunObject[] {
  const resources = deployment.resources ?? [];
  const known = new Set(resources.map(({ urn }) => urn));
  const parents = new Set([...known, ...begun.map(({ urn }) => urn)]);
  const providers = new Set(resources.map(({ urn, id }) => `${urn}::${id}`));
  return begun.filter(({ urn, parent, provider }) =>
    !known.has(urn) && (parent === undefined || parents.has(parent)) && (provider === undefined || providers.has(provider)));
}

/**
 * Clears the operations that interrupted runs left without a known end: Kubernetes objects that they had begun to make are looked for and
 * taken into the state, and all else is done again. So nothing has to be applied over what exists, in no run.
 * @param memory file for the objects of a cluster that does not answer; the next call looks for them
 * @returns what kept the objects from being looked for, in the engine's words; undefined where nothing did
 * @throws the signal's reason, when the next call looks for the objects
 */
export async function clearPending(
  stack: Stack,
  state: ExportedStack,
  { memory, signal, ...options }: { memory: string; signal: AbortSignal; configFile?: string },
): Promise<string | undefined> {
  const rest = withoutPending(state);
  const resources = rest.deployment.resources ?? [];
  const begun = placeable([...(await remembered(memory)), ...begunObjects(state)], state);
  const write = (begun: BegunObject[]) =>
    importState(stack, { ...rest, deployment: { ...rest.deployment, resources: [...resources, ...begun] } });
  await writeFile(memory, JSON.stringify(begun), { mode: 0o600 });
  await write(begun);
  if (begun.length > 0) {
    try {
      signal.throwIfAborted();
      await stack.refresh({ ...options, signal: heardLate(signal), target: begun.map(({ urn }) => urn), color: "never" });
    } catch (error) {
      await write([]);
      signal.throwIfAborted();
      return engineMessage(messageOf(error)).split("\n")[0];
    }
  }
  await rm(memory, { force: true });
  return undefined;
}

/** Whether there are objects of earlier runs to look for. */
export async function hasMemory(memory: string): Promise<boolean> {
  return (await remembered(memory)).length > 0;
}

async function remembered(memory: string): Promise<BegunObject[]> {
  const text = await readFile(memory, "utf8").catch(() => "[]");
  return JSON.parse(text) as BegunObject[];
}
