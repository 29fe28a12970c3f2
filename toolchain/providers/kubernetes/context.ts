/** What every operation works with: the configured cluster, the way to tell the user things, and the user's cancellation. */

import { Client } from "./client/client.ts";
import { NoMatchError, UnreachableError } from "./client/errors.ts";
import { connect } from "./client/kubeconfig.ts";
import { isProbablyNamespaced } from "./client/mapping.ts";
import { Cluster } from "./cluster.ts";
import type { Config } from "./config.ts";
import type { Mutability } from "./immutable.ts";
import { apiVersionOf, kindOf, type KubeObject } from "./objects.ts";

/** The user's view of the engine. */
export interface Log {
  info(urn: string, message: string): void;
  warning(urn: string, message: string): void;
  /** What the resource is doing right now: shown while it lasts, not kept. */
  status(urn: string, message: string): void;
}

export class Context {
  readonly config: Config;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** The namespace of objects whose manifest names none. */
  readonly namespace: string;
  readonly #cluster: Cluster | Error;

  private constructor(config: Config, log: Log, signal: AbortSignal, namespace: string, cluster: Cluster | Error) {
    this.config = config;
    this.log = log;
    this.signal = signal;
    this.namespace = namespace;
    this.#cluster = cluster;
  }

  /** Never fails: without a usable kubeconfig, what needs no cluster (previews, decoding YAML) still works. */
  static async open(config: Config, log: Log, signal: AbortSignal): Promise<Context> {
    try {
      const connection = await connect(config);
      const namespace = config.namespace ?? connection.namespace ?? "default";
      return new Context(config, log, signal, namespace, new Cluster(new Client(connection, config.requestTimeoutSeconds)));
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(String(error));
      return new Context(config, log, signal, config.namespace ?? "default", new KubeconfigError(fault.message, { cause: fault }));
    }
  }

  /** Throws KubeconfigError if there is no usable kubeconfig. */
  get cluster(): Cluster {
    if (this.#cluster instanceof Error) throw this.#cluster;
    return this.#cluster;
  }

  get mutable(): Mutability {
    return { configMaps: this.config.enableConfigMapMutable, secrets: this.config.enableSecretMutable };
  }

  /** Whether objects of that kind have a namespace; a guess where the cluster cannot tell. */
  async isNamespaced(object: KubeObject): Promise<boolean> {
    try {
      return (await this.cluster.mapping(object, this.signal, "preview")).namespaced;
    } catch (error) {
      if (isUnreachable(error) || error instanceof NoMatchError) return isProbablyNamespaced(apiVersionOf(object), kindOf(object));
      throw error;
    }
  }
}

/** There is no usable kubeconfig. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

/** Whether an operation failed because there is no cluster to talk to. */
export function isUnreachable(error: unknown): error is UnreachableError | KubeconfigError {
  return error instanceof UnreachableError || error instanceof KubeconfigError;
}
