import type { V1Pod } from "@kubernetes/client-node";
import { isIPv4, isIPv6 } from "node:net";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";

/** Label or annotation (which wins) of a pod: the name, relative to the zone, that it is an endpoint of. */
export const DOMAIN_KEY = "dns.peak/domain";

/** What the server needs to know of a pod. */
export interface Endpoint {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  /** Relative to the zone, lower case. */
  readonly domain: string;
  /** Ready condition is true and the pod is not being deleted. */
  readonly ready: boolean;
  readonly ipv6: Uint8Array | undefined;
  readonly ipv4: Uint8Array | undefined;
}

export const podKey = (pod: V1Pod): string => `${pod.metadata?.namespace ?? ""}/${pod.metadata?.name ?? ""}`;

/**
 * The endpoint that a pod is; undefined for a pod without a domain. Addresses are those that Kubernetes reports, at most one of each
 * family.
 */
export function endpointOf(pod: V1Pod): Endpoint | undefined {
  const domain = pod.metadata?.annotations?.[DOMAIN_KEY] ?? pod.metadata?.labels?.[DOMAIN_KEY];
  if (domain === undefined) return undefined;
  const addresses = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const ipv6 = addresses.find((ip) => isIPv6(ip));
  const ipv4 = addresses.find((ip) => isIPv4(ip));
  const readyCondition = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return {
    pod: podKey(pod),
    domain: domain.toLowerCase(),
    ready: readyCondition?.status === "True" && pod.metadata?.deletionTimestamp === undefined,
    ipv6: ipv6 === undefined ? undefined : parseIpv6(ipv6),
    ipv4: ipv4 === undefined ? undefined : parseIpv4(ipv4),
  };
}

/** Whether two readings of a pod lead to the same answers. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  const same = (x: Uint8Array | undefined, y: Uint8Array | undefined): boolean => (x && y ? Buffer.compare(x, y) === 0 : x === y);
  return a.domain === b.domain && a.ready === b.ready && same(a.ipv6, b.ipv6) && same(a.ipv4, b.ipv4);
}

/** A domain is one or more host name labels, as resolvers and browsers take them. */
export const isDomain = (text: string): boolean =>
  text.length <= 200 && text.split(".").every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label));
