import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { z } from "zod";
import { messageOf, UsageError } from "../errors.ts";
import { paths } from "../paths.ts";
import { writeSecret } from "../secret-file.ts";
import { LOCAL, notUpText } from "../stacks.ts";
import { ask, backendFault, hasLocalState, isAbsent, readingEngine } from "./environment.ts";
import { type ExportedStack, knownResources } from "./state.ts";

const endpoint = z.object({ address: z.string(), port: z.number() });
const machine = z.object({ name: z.string(), number: z.number(), ula: z.string(), global: z.string().optional() });

/** What index.ts returns, as far as ./peak uses it. Nothing but the whole is of use: a stack that is half up has no outputs. */
const stackOutputs = z.object({
  /** Of the cluster that the stack made; secret. */
  kubeconfig: z.string().optional(),
  /** Of a cluster that was there before: the context in the user's own kubeconfig. */
  kubeContext: z.string().optional(),
  nodes: z.array(machine.extend({ role: z.string() })),
  clients: z.array(machine.extend({ emulated: z.boolean() })),
  rootDns: endpoint,
  secondaryDns: z.array(endpoint).default([]),
  clusterDns: z.array(endpoint),
  names: z.array(z.string()),
  services: z.record(z.string(), z.string()),
  /** When the certificates end that the stack has made, and their whole life in hours. */
  certificates: z.array(z.object({ name: z.string(), ends: z.string(), hours: z.number() })).default([]),
  /** How to log in to the nodes: user, private key (secret), and each host's public keys. Once there was one of each. */
  ssh: z.object({
    user: z.string(),
    privateKey: z.string(),
    hostKeys: z.record(z.string(), z.union([z.array(z.string()), z.string().transform((key) => [key])])),
  }),
});
export type Outputs = z.infer<typeof stackOutputs>;

/**
 * Parses what the engine knows as a stack's outputs.
 * @returns undefined while the stack is not all up
 */
export function parseOutputs(json: string): Outputs | undefined {
  const result = stackOutputs.safeParse(JSON.parse(json));
  return result.success ? result.data : undefined;
}

/** Where a stack is: there with all its outputs, begun, or absent (also where nothing but its state was made). */
export type StackState = { state: "up"; outputs: Outputs } | { state: "partial" | "absent" };

/** Reads a stack's outputs, secrets included, from its state. The engine itself is asked, not the SDK: that takes a tenth of the time. */
export async function readStack(stack: string): Promise<StackState> {
  if (stack === LOCAL && !(await hasLocalState())) return { state: "absent" };
  const engine = await readingEngine(stack);
  try {
    const json = await ask(engine, ["stack", "output", "--stack", stack, "--json", "--show-secrets"]);
    const outputs = parseOutputs(json);
    if (outputs) {
      await remember(stack, json).catch(() => {}); // it is only for later, when an update is under way
      return { state: "up", outputs };
    }
    const resources = knownResources(JSON.parse(await ask(engine, ["stack", "export", "--stack", stack])) as ExportedStack);
    return { state: resources.length > 0 ? "partial" : "absent" };
  } catch (error) {
    if (isAbsent(messageOf(error))) return { state: "absent" };
    throw backendFault(stack, error);
  }
}

/**
 * The outputs of a stack that is up. While an update is under way or has failed, the ones that it had before: that is when one wants to look
 * into it. Otherwise an error that says how to get there.
 */
export async function requireOutputs(stack: string): Promise<Outputs> {
  const found = await readStack(stack);
  if (found.state === "up") return found.outputs;
  const before = found.state === "partial" ? await remembered(stack) : undefined;
  if (before) return before;
  throw new UsageError(notUpText(stack, found.state));
}

/** @throws UsageError that says so when there is nothing of the stack: opening it would begin one */
export async function requireThere(stack: string): Promise<void> {
  const { state } = await readStack(stack);
  if (state === "absent") throw new UsageError(notUpText(stack, state));
}

async function remember(stack: string, json: string): Promise<void> {
  const file = paths.outputs(stack);
  if (json === (await readFile(file, "utf8").catch(() => undefined))) return;
  await writeSecret(stack, basename(file), json);
}

async function remembered(stack: string): Promise<Outputs | undefined> {
  const json = await readFile(paths.outputs(stack), "utf8").catch(() => undefined);
  return json === undefined ? undefined : parseOutputs(json);
}
