import { randomBytes } from "node:crypto";
import { detailedDiff, rootOf } from "../shared/diff.ts";
import { checkInputs } from "../shared/inputs.ts";
import { hasUnknown, isMap, isSecret, reveal, secret, UNKNOWN, type Properties, type Value } from "../shared/properties.ts";
import type { CheckFailure, CheckResult, DiffResult, InvokeRequest, InvokeResult, Operation, Provider } from "../shared/provider.ts";
import { collectArchive, collectAssets } from "./assets.ts";
import type { Output } from "./capture.ts";
import { copyToRemote, parseSource } from "./copy.ts";
import { runLocal } from "./local.ts";
import * as schema from "./schema.ts";
import { runRemote } from "./ssh.ts";

/** One resource type. All take effect only in an update; a preview knows their results are unknown. */
interface ResourceType {
  readonly schema: typeof schema.localCommand | typeof schema.remoteCommand | typeof schema.copyToRemote;
  /** Faults that the schema cannot tell. */
  faults?(inputs: Properties): CheckFailure[];
  /** Inputs as the engine is to store them: with the defaults and secret marks of the official schema. Changes nothing the second time. */
  complete(inputs: Properties): Properties;
  /** The outputs beside the inputs, as long as they are unknown. */
  unknowns(inputs: Properties): Properties;
  create(inputs: Properties, operation: Operation): Promise<Properties>;
  /** @param olds outputs of the last update */
  update(inputs: Properties, olds: Properties, operation: Operation): Promise<Properties>;
  delete(olds: Properties, operation: Operation): Promise<void>;
}

const localCommand: ResourceType = {
  schema: schema.localCommand,
  complete: (inputs) => inputs,
  unknowns: (inputs) => ({
    stdout: UNKNOWN,
    stderr: UNKNOWN,
    ...("assetPaths" in inputs ? { assets: UNKNOWN } : {}),
    ...("archivePaths" in inputs ? { archive: UNKNOWN } : {}),
  }),
  async create(inputs, operation) {
    const parsed = schema.localCommand.parse(reveal(inputs));
    return runLocalFor(parsed.create, parsed, {}, operation);
  },
  async update(inputs, olds, operation) {
    const parsed = schema.localCommand.parse(reveal(inputs));
    return runLocalFor(parsed.update ?? parsed.create, parsed, outputOf(olds), operation);
  },
  async delete(olds, operation) {
    const parsed = schema.localCommand.parse(reveal(inputsOf(schema.localCommand, olds)));
    if (parsed.delete !== undefined) await runLocal(parsed.delete, parsed, previousOf(outputOf(olds)), operation);
  },
};

const remoteCommand: ResourceType = {
  schema: schema.remoteCommand,
  complete: withCompleteConnection,
  unknowns: () => ({ stdout: UNKNOWN, stderr: UNKNOWN }),
  async create(inputs, operation) {
    const parsed = schema.remoteCommand.parse(reveal(inputs));
    return runRemoteFor(parsed.create, parsed, {}, operation);
  },
  async update(inputs, olds, operation) {
    const parsed = schema.remoteCommand.parse(reveal(inputs));
    return runRemoteFor(parsed.update ?? parsed.create, parsed, outputOf(olds), operation);
  },
  async delete(olds, operation) {
    const parsed = schema.remoteCommand.parse(reveal(inputsOf(schema.remoteCommand, olds)));
    if (parsed.delete !== undefined) await runRemote(parsed.delete, parsed.connection, parsed, previousOf(outputOf(olds)), operation);
  },
};

const remoteCopy: ResourceType = {
  schema: schema.copyToRemote,
  faults(inputs) {
    const source = inputs["source"];
    if (source === undefined || hasUnknown(source)) return [];
    const parsed = parseSource(reveal(source));
    return "fault" in parsed ? [{ property: "source", reason: parsed.fault }] : [];
  },
  complete: withCompleteConnection,
  unknowns: () => ({}),
  async create(inputs, operation) {
    const { connection, remotePath } = schema.copyToRemote.parse(reveal(inputs));
    const source = parseSource(reveal(inputs["source"] ?? null));
    if ("fault" in source) throw new Error(`source: ${source.fault}`);
    await copyToRemote(source, remotePath, connection, operation);
    return {};
  },
  async update(inputs, olds, operation) {
    const changed = [...detailedDiff(olds, inputs).keys()].map(rootOf);
    // A new way to connect is no reason to copy again.
    return changed.includes("source") || changed.includes("remotePath") ? this.create(inputs, operation) : {};
  },
  async delete() {},
};

const RESOURCES: Readonly<Record<string, ResourceType>> = {
  "command:local:Command": localCommand,
  "command:remote:Command": remoteCommand,
  "command:remote:CopyToRemote": remoteCopy,
};

function resourceType(token: string): ResourceType {
  const found = RESOURCES[token];
  if (found) return found;
  throw new Error(`the bundled command plugin has no ${token}; it has ${Object.keys(RESOURCES).join(", ")} and command:local:run`);
}

/**
 * The command provider: commands run here or over SSH in the life cycle of a resource.
 *
 * @param version the version to report
 */
export function commandProvider(version: string): Provider {
  return {
    version,
    async check({ type, news }): Promise<CheckResult> {
      const resource = resourceType(type);
      const failures = [...checkInputs(resource.schema, news), ...(resource.faults?.(news) ?? [])];
      return { inputs: resource.complete(news), failures };
    },
    async diff({ type, oldInputs, news }): Promise<DiffResult> {
      // States of older versions of this plugin lack what `complete` adds.
      const old = resourceType(type).complete(oldInputs);
      const changes = detailedDiff(withoutDefault(old), withoutDefault(news));
      return { changes, replaces: [...changes.keys()].filter((path) => rootOf(path) === "triggers") };
    },
    async create({ type, name, inputs, preview, ...operation }) {
      const resource = resourceType(type);
      if (preview) return { id: "", outputs: { ...inputs, ...resource.unknowns(inputs) } };
      const outputs = await resource.create(inputs, operation);
      return { id: `${name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs, ...outputs } };
    },
    // A command's effects cannot be looked at: what the state says is all that is known.
    async read({ id, outputs, inputs }) {
      return { id, outputs, inputs };
    },
    async update({ type, olds, news, preview, ...operation }) {
      const resource = resourceType(type);
      return { ...news, ...(preview ? resource.unknowns(news) : await resource.update(news, olds, operation)) };
    },
    async delete({ type, outputs, ...operation }) {
      await resourceType(type).delete(outputs, operation);
    },
    invoke: runFunction,
  };
}

async function runFunction({ token, args, ...operation }: InvokeRequest): Promise<InvokeResult> {
  if (token !== "command:local:run") throw new Error(`the bundled command plugin has no function ${token}; it has command:local:run`);
  const failures = checkInputs(schema.localRun, args);
  if (failures.length > 0) return { result: {}, failures };
  const parsed = schema.localRun.parse(reveal(args));
  return { result: { ...args, ...(await runLocalFor(parsed.command, parsed, {}, operation)) } };
}

/** Outputs of the last run: the four that come from running, as far as they are there. */
function outputOf(olds: Properties): Properties {
  return Object.fromEntries(Object.entries(olds).filter(([key]) => ["stdout", "stderr", "assets", "archive"].includes(key)));
}

function previousOf(previous: Properties): Partial<Output> {
  const { stdout, stderr } = reveal(previous) as Properties;
  return { ...(typeof stdout === "string" ? { stdout } : {}), ...(typeof stderr === "string" ? { stderr } : {}) };
}

// Without a command nothing runs, and the outputs stay as they were.
const untouched = (previous: Properties): Properties => ({ stdout: "", stderr: "", ...previous });

async function runLocalFor(
  command: string | undefined,
  execution: schema.LocalExecution,
  previous: Properties,
  operation: Operation,
): Promise<Properties> {
  if (command === undefined) return untouched(previous);
  const output = await runLocal(command, execution, previousOf(previous), operation);
  const { dir = process.cwd(), assetPaths, archivePaths } = execution;
  return {
    ...output,
    ...(assetPaths ? { assets: await collectAssets(dir, assetPaths) } : {}),
    ...(archivePaths ? { archive: await collectArchive(dir, archivePaths) } : {}),
  };
}

async function runRemoteFor(
  command: string | undefined,
  inputs: schema.RemoteExecution & { readonly connection: schema.Connection },
  previous: Properties,
  operation: Operation,
): Promise<Properties> {
  if (command === undefined) return untouched(previous);
  return { ...(await runRemote(command, inputs.connection, inputs, previousOf(previous), operation)) };
}

function inputsOf(type: ResourceType["schema"], outputs: Properties): Properties {
  return Object.fromEntries(Object.entries(outputs).filter(([key]) => key in type.shape));
}

/** Without an input that says what holds without it; older versions of this plugin stored it where the program had none. */
function withoutDefault({ addPreviousOutputInEnv, ...inputs }: Properties): Properties {
  return addPreviousOutputInEnv === undefined || addPreviousOutputInEnv === true ? inputs : { ...inputs, addPreviousOutputInEnv };
}

function withCompleteConnection(inputs: Properties): Properties {
  const connection = inputs["connection"];
  return connection === undefined ? inputs : { ...inputs, connection: secret(completeEndpoint(connection)) };
}

const ENDPOINT_SECRETS: readonly string[] = ["password", "privateKey", "privateKeyPassword"];

/** An endpoint, and the bastion host on its way, with defaults and secret marks; what is no map, such as an unknown value, stays as it is. */
function completeEndpoint(endpoint: Value): Value {
  if (isSecret(endpoint)) return secret(completeEndpoint(endpoint.value));
  if (!isMap(endpoint)) return endpoint;
  const members = Object.entries({ ...schema.ENDPOINT_DEFAULTS, ...endpoint }).map(([key, value]) => {
    if (ENDPOINT_SECRETS.includes(key)) return [key, secret(value)];
    return [key, key === "proxy" ? completeEndpoint(value) : value];
  });
  return Object.fromEntries(members);
}
