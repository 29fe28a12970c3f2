import type { Endpoint } from "../wire/endpoint.ts";
import type { Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import type { NameServer } from "../zone/name-server.ts";

export interface RegistrationSettings {
  /** The parent zone, folded. */
  readonly zone: Name;
  /** The parent's servers; each is told by itself. */
  readonly servers: readonly Endpoint[];
  readonly key: TsigKey;
  /** Seconds that a registration lives without renewal. */
  readonly lease: number;
  readonly nameServers: readonly NameServer[];
  /** TTL of the records, seconds. */
  readonly ttl: number;
}

/** For one answer, at most; and no longer than until the next renewal. */
const MAX_TIMEOUT_MS = 10_000;

/** Twice more before the lease ends, if this time fails. */
export const renewalMs = ({ lease }: RegistrationSettings): number => (lease * 1000) / 3;

export const timeoutMs = (settings: RegistrationSettings): number => Math.min(MAX_TIMEOUT_MS, renewalMs(settings));
