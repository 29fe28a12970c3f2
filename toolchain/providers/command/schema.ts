import { z } from "zod";

/**
 * The inputs of the resources and functions, as the official schema has them. Properties with a default there have the same one here.
 */

const logging = z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).default("stdoutAndStderr");
const triggers = z.array(z.unknown()).optional();

const lifecycle = {
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  triggers,
};

const execution = {
  stdin: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  logging,
  addPreviousOutputInEnv: z.boolean().default(true),
};

const localExecution = {
  ...execution,
  dir: z.string().optional(),
  interpreter: z.array(z.string()).default([]),
  assetPaths: z.array(z.string()).optional(),
  archivePaths: z.array(z.string()).optional(),
};

/** What an endpoint has where the program says nothing. */
export const ENDPOINT_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

const endpoint = {
  host: z.string(),
  port: z.number().default(ENDPOINT_DEFAULTS.port),
  user: z.string().default(ENDPOINT_DEFAULTS.user),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
  hostKey: z.string().optional(),
  dialErrorLimit: z.int().default(ENDPOINT_DEFAULTS.dialErrorLimit),
  perDialTimeout: z.int().nonnegative().default(ENDPOINT_DEFAULTS.perDialTimeout),
};

const connection = z.strictObject({ ...endpoint, proxy: z.strictObject(endpoint).optional() });

export const localCommand = z.strictObject({ ...lifecycle, ...localExecution });
export const localRun = z.strictObject({ ...localExecution, command: z.string() });
export const remoteCommand = z.strictObject({ ...lifecycle, ...execution, connection });
export const copyToRemote = z.strictObject({ connection, source: z.record(z.string(), z.unknown()), remotePath: z.string(), triggers });

/** How to run a command here. */
export type LocalExecution = z.infer<z.ZodObject<typeof localExecution>>;

/** How to run a command on another host. */
export type RemoteExecution = z.infer<z.ZodObject<typeof execution>>;

/** How to reach and log in to a host. */
export type Endpoint = z.infer<z.ZodObject<typeof endpoint>>;

/** A host, and the bastion host on the way to it if there is one. */
export type Connection = z.infer<typeof connection>;
