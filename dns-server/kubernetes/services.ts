import { isIPv4, isIPv6 } from "node:net";
import type { Fault, Target } from "../model/domain.ts";
import { isDomain } from "../model/names.ts";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import {
  configMapsOf,
  namespaceSource,
  NO_CLAIMS,
  refOf,
  sourceOf,
  type Claim,
  type ClaimSettings,
  type Objects,
  type ObjectClaims,
} from "./claim.ts";
import { serviceTargets } from "./endpoints.ts";
import { EXTERNAL_DNS_PREFIXES, externalDns, externalDnsTtl, isAnothers, splitList } from "./external-dns.ts";
import type { ServiceFacts } from "./facts.ts";
import { placeAlias, placeHost } from "./placement.ts";
import { SettingsReader } from "./settings.ts";

/**
 * What a Service asks for by the annotations of external-dns: `hostname`, `internal-hostname`, `target` and `ttl`, unless `controller` says
 * that it is another's. Without `target` a name leads to the external addresses, to those of the load balancer, to those of the pods of a
 * headless Service, or to the Service's own; an internal one always to the Service's own or its pods.
 */
export function readService(service: ServiceFacts, objects: Objects, { zone }: ClaimSettings): ObjectClaims {
  const hostnames = splitList(externalDns(service.settings, "hostname") ?? "");
  const internal = splitList(externalDns(service.settings, "internal-hostname") ?? "");
  const object = refOf("Service", service);
  const faults: Fault[] = [];
  const fault = (reason: string, message: string): void => void faults.push({ object, reason, message });
  // labels are often those of all that belongs together
  if (service.settings["dns.peak/domain"]?.from === "annotation") {
    const remedy = `set it on what makes the pods, or name hosts by ${EXTERNAL_DNS_PREFIXES[0]}hostname`;
    fault("UnknownSetting", `annotation dns.peak/domain has no effect on a Service; ${remedy}`);
  }
  if (hostnames.length + internal.length === 0 || isAnothers(service.settings)) return faults.length > 0 ? { claims: [], faults } : NO_CLAIMS;
  const ttl = externalDnsTtl(service.settings, fault);
  const reader = new SettingsReader([sourceOf("Service", service), ...namespaceSource(objects, service.namespace)], (other) =>
    faults.push(other),
  );
  const settings = reader.domainSettings(configMapsOf(objects, service.namespace));

  const claims: Claim[] = [];
  const claim = (hostname: string, { targets, aliases }: ReturnType<typeof targetsOf>): void => {
    let place = placeHost(hostname, zone);
    if (typeof place !== "string" && aliases.length > 0) place = targets.length > 0 ? place : placeAlias(place.name, zone);
    if (typeof place === "string") {
      fault("Unsupported", place);
      return;
    }
    claims.push({
      ...place,
      namespace: service.namespace,
      owner: object,
      since: service.created,
      targets,
      alias: targets.length > 0 ? undefined : aliases[0],
      isPartial: false,
      faults: [],
      saidAt: service.created,
      settings: { ...settings, ttl: ttl ?? settings.ttl },
    });
  };
  for (const [names, isInternal] of [
    [hostnames, false],
    [internal, true],
  ] as const) {
    if (names.length === 0) continue;
    const found = targetsOf(service, isInternal, objects, fault, (other) => faults.push(other));
    for (const name of names) claim(name, found);
  }
  return { claims, faults };
}

/** Addresses that the names lead to, or names; undefined: its pods. */
function textsOf(service: ServiceFacts, isInternal: boolean): readonly string[] | undefined {
  // an empty one is none
  const named = splitList(externalDns(service.settings, "target") ?? "");
  if (named.length > 0) return named;
  const { externalAddresses, balancers, clusterAddresses } = service;
  if (service.type === "ExternalName") return externalAddresses.length > 0 ? externalAddresses : splitList(service.externalName ?? "");
  if (!isInternal && (service.type === "LoadBalancer" || balancers.length > 0)) return externalAddresses.length > 0 ? externalAddresses : balancers;
  if (!isInternal && externalAddresses.length > 0 && !service.headless) return externalAddresses;
  return service.headless ? undefined : clusterAddresses;
}

function targetsOf(
  service: ServiceFacts,
  isInternal: boolean,
  objects: Objects,
  fault: (reason: string, message: string) => void,
  other: (fault: Fault) => void,
): { targets: Target[]; aliases: Name[] } {
  const texts = textsOf(service, isInternal);
  if (texts === undefined) return { targets: serviceTargets(service, undefined, [sourceOf("Service", service)], objects, other), aliases: [] };
  const targets: Target[] = [];
  const aliases: Name[] = [];
  for (const text of texts) {
    if (isIPv4(text) || isIPv6(text)) targets.push(addressTarget(service, text));
    else if (isDomain(text.toLowerCase().replace(/\.$/, ""))) aliases.push(foldName(parseName(text.toLowerCase())));
    else fault("InvalidSetting", `target "${text}" is ignored: it must be an address or a host name`);
  }
  if (aliases.length > 1 || (aliases.length > 0 && targets.length > 0)) {
    fault("InvalidSetting", "of several targets all must be addresses: a name can lead to one other name only (RFC 1034 section 3.6.2)");
  }
  return { targets, aliases };
}

/** An address that is somebody else's to look after. */
const addressTarget = (service: ServiceFacts, address: string): Target => ({
  key: address,
  namespace: service.namespace,
  name: address,
  label: undefined,
  node: undefined,
  ipv6: isIPv6(address) ? parseIpv6(address.split("%")[0]!) : undefined,
  ipv4: isIPv4(address) ? parseIpv4(address) : undefined,
  state: "ready",
  ports: [],
  probe: undefined,
});
