import type { Change } from "./diff.ts";
import type { Properties } from "./properties.ts";

/** Severity of a message to the engine. */
export type Severity = "debug" | "info" | "warning" | "error";

/** What a request says about the resource it is for. */
export interface ResourceRequest {
  /** The resource's URN. */
  readonly urn: string;
  /** The resource's type token, such as `command:local:Command`. */
  readonly type: string;
  /** The resource's name in the program. */
  readonly name: string;
}

/** What every operation that may take long can use. */
export interface Operation {
  /** Aborts when the engine cancels the update or has gone away. */
  readonly signal: AbortSignal;
  /** Shows one message beside the resource. Ephemeral ones (the default) are progress: they are not kept in the summary. */
  log(severity: Severity, message: string, options?: { readonly ephemeral: boolean }): void;
}

export interface CheckRequest extends ResourceRequest {
  /** Inputs of the last update; absent for a new resource. */
  readonly olds: Properties | undefined;
  readonly news: Properties;
  /** Seed for names that have to be the same in preview and update. */
  readonly randomSeed: Uint8Array;
}

/** A fault in an input, shown to the user with the property's name. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface CheckResult {
  /** The inputs with defaults applied. */
  readonly inputs: Properties;
  readonly failures?: readonly CheckFailure[];
}

export interface DiffRequest extends ResourceRequest, Operation {
  readonly id: string;
  /** Outputs of the last update. */
  readonly olds: Properties;
  /** Inputs of the last update. */
  readonly oldInputs: Properties;
  readonly news: Properties;
  readonly ignoreChanges: readonly string[];
}

export interface DiffResult {
  /** Every changed property path. Nothing in it: the resource is the same. */
  readonly changes: ReadonlyMap<string, Change>;
  /** The paths among the changed ones that make the engine replace the resource. */
  readonly replaces?: readonly string[];
  readonly deleteBeforeReplace?: boolean;
}

export interface CreateRequest extends ResourceRequest, Operation {
  readonly inputs: Properties;
  readonly preview: boolean;
  /** Seconds; 0 when the program sets none. */
  readonly timeout: number;
}

export interface CreateResult {
  /** May be empty in a preview. */
  readonly id: string;
  readonly outputs: Properties;
}

export interface ReadRequest extends ResourceRequest, Operation {
  readonly id: string;
  /** Last known outputs; empty for an import. */
  readonly outputs: Properties;
  /** Last known inputs; empty for an import. */
  readonly inputs: Properties;
}

/** What was found; an empty id says that the resource is gone. */
export interface ReadResult {
  readonly id: string;
  readonly outputs: Properties;
  readonly inputs: Properties;
}

export interface UpdateRequest extends ResourceRequest, Operation {
  readonly id: string;
  readonly olds: Properties;
  readonly oldInputs: Properties;
  readonly news: Properties;
  readonly preview: boolean;
  readonly timeout: number;
  readonly ignoreChanges: readonly string[];
}

export interface DeleteRequest extends ResourceRequest, Operation {
  readonly id: string;
  readonly outputs: Properties;
  readonly oldInputs: Properties;
  readonly timeout: number;
}

export interface InvokeRequest extends Operation {
  /** The function's token, such as `command:local:run`. */
  readonly token: string;
  readonly args: Properties;
}

export interface InvokeResult {
  readonly result: Properties;
  readonly failures?: readonly CheckFailure[];
}

/** A resource provider plugin, without its transport. */
export interface Provider {
  /** Version that the engine is told: the one of the SDK package that the plugin stands in for. */
  readonly version: string;
  /** Checks the provider's own configuration. Default: everything is accepted. */
  checkConfig?(request: CheckRequest): Promise<CheckResult>;
  /** Compares the provider's own configuration. Default: every change is an update in place. */
  diffConfig?(request: DiffRequest): Promise<DiffResult>;
  /** Takes the provider's configuration, before any resource operation. */
  configure?(inputs: Properties): Promise<void>;
  check(request: CheckRequest): Promise<CheckResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  create(request: CreateRequest): Promise<CreateResult>;
  read(request: ReadRequest): Promise<ReadResult>;
  /** Returns the new outputs. */
  update(request: UpdateRequest): Promise<Properties>;
  delete(request: DeleteRequest): Promise<void>;
  invoke(request: InvokeRequest): Promise<InvokeResult>;
}

/**
 * A resource exists but is not in working order, for example a Deployment whose pods crash. The engine keeps its state, marks it,
 * and tries again in the next update.
 */
export class InitializationError extends Error {
  readonly id: string;
  readonly outputs: Properties;
  readonly inputs: Properties;
  readonly reasons: readonly string[];

  constructor(message: string, state: { id: string; outputs: Properties; inputs: Properties; reasons: readonly string[] }) {
    super(message);
    this.name = "InitializationError";
    this.id = state.id;
    this.outputs = state.outputs;
    this.inputs = state.inputs;
    this.reasons = state.reasons;
  }
}
