import type { Name } from "../wire/name.ts";

/** How a message came in. */
export type Protocol = "udp" | "tcp" | "tls" | "https";

/** A message from somebody, its signature checked and taken off. */
export interface Request {
  readonly message: Buffer;
  readonly protocol: Protocol;
  /** Octets of the sender's address. */
  readonly client: Uint8Array;
  /** Name of the key that it was signed with. */
  readonly key: Name | undefined;
  /** Octets to leave free in each message of the answer, for its signature. */
  readonly reserved: number;
}

/** A message to send back, and what the metrics need of it. */
export interface Response {
  readonly message: Buffer;
  readonly rcode: number;
  readonly type: number | undefined;
  /** Further messages of the same answer, made as they are read; only where the transport is a stream. */
  readonly more?: Iterable<Buffer>;
}

/** Answers one message from a client, whose address is given in octets; undefined: send nothing. */
export type Handler = (message: Uint8Array, client: Uint8Array) => Response | undefined;
