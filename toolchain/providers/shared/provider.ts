import type { Change } from "./diff.ts";
import type { Properties } from "./properties.ts";

/** What a request says about the resource it is for. */
export interface ResourceRequest {
  /** The resource's type token, such as `command:local:Command`. */
  readonly type: string;
  /** The resource's name in the program. */
  readonly name: string;
}

/** What every operation that may take long can use. */
export interface Operation {
  /** Aborts when the engine cancels the update or has gone away. */
  readonly signal: AbortSignal;
  /** Shows a line of progress beside the resource. */
  progress(line: string): void;
}

export interface CheckRequest extends ResourceRequest {
  readonly news: Properties;
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

export interface DiffRequest extends ResourceRequest {
  /** Outputs of the last update. */
  readonly olds: Properties;
  /** Inputs of the last update. */
  readonly oldInputs: Properties;
  readonly news: Properties;
}

export interface DiffResult {
  /** Every changed property path. Nothing in it: the resource is the same. */
  readonly changes: ReadonlyMap<string, Change>;
  /** The paths among the changed ones that make the engine replace the resource. */
  readonly replaces?: readonly string[];
}

export interface CreateRequest extends ResourceRequest, Operation {
  readonly inputs: Properties;
  readonly preview: boolean;
}

export interface CreateResult {
  /** May be empty in a preview. */
  readonly id: string;
  readonly outputs: Properties;
}

export interface ReadRequest extends ResourceRequest {
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
  readonly olds: Properties;
  readonly news: Properties;
  readonly preview: boolean;
}

export interface DeleteRequest extends ResourceRequest, Operation {
  readonly outputs: Properties;
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
  check(request: CheckRequest): Promise<CheckResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  create(request: CreateRequest): Promise<CreateResult>;
  read(request: ReadRequest): Promise<ReadResult>;
  /** Returns the new outputs. */
  update(request: UpdateRequest): Promise<Properties>;
  delete(request: DeleteRequest): Promise<void>;
  invoke(request: InvokeRequest): Promise<InvokeResult>;
}
