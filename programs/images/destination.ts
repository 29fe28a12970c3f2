import type { Builder } from "./builder.ts";

/** A built image that is to be brought somewhere. */
export interface Built {
  readonly builder: Builder;
  /** Its name and tag in the builder. */
  readonly image: string;
  /** `peak/NAME` */
  readonly repository: string;
  readonly tag: string;
  /** Private, empty, and gone afterwards. */
  readonly directory: string;
  /** Stops what is being done. */
  readonly signal: AbortSignal;
}

/** Where an image goes so that a cluster has it. */
export interface Destination {
  /** How a pod refers to an image that is there; undefined if it is not, or if nobody can tell whether every node has it. */
  find(repository: string, tag: string): Promise<string | undefined>;
  /** Brings an image there, whether it is there already or not. Resolves with how a pod refers to it. */
  take(built: Built): Promise<string>;
}
