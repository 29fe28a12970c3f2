import { isIPv4, isIPv6 } from "node:net";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import {
  configMapsOf,
  namespaceSource,
  NOTHING,
  refOf,
  sourceOf,
  type Claim,
  type ClaimSettings,
  type Lookup,
  type Reading,
} from "./claim.ts";
import { serviceTargets } from "./endpoints.ts";
import type { ServiceFacts } from "./facts.ts";
import { EXTERNAL_DNS_PREFIXES } from "./kinds.ts";
import type { Fault, Target, TtlSpec } from "./model.ts";
import { placeAlias, placeHost } from "./names.ts";
import { isDomain, SettingsReader } from "./settings.ts";

/**
 * What a Service asks for by the annotations of external-dns: `hostname`, `target` and `ttl`. Of the two prefixes the newer wins. Without
 * `target` a name leads to the addresses of the load balancer, to those of the pods of a headless Service, or to the Service's own.
 */
export function readService(service: ServiceFacts, look: Lookup, { zone }: ClaimSettings): Reading {
  const hostnames = annotation(service, "hostname");
  const object = refOf("Service", service);
  const faults: Fault[] = [];
  const fault = (reason: string, message: string): void => void faults.push({ object, reason, message });
  // labels are often those of all that belongs together
  if (service.settings["dns.peak/domain"]?.from === "annotation") {
    const remedy = `set it on what makes the pods, or name hosts by ${EXTERNAL_DNS_PREFIXES[0]}hostname`;
    fault("UnknownSetting", `annotation dns.peak/domain has no effect on a Service; ${remedy}`);
  }
  if (hostnames === undefined) return faults.length > 0 ? { claims: [], faults } : NOTHING;
  const ttl = readTtl(service, fault);
  const { targets, aliases } = targetsOf(service, look, fault, (other) => faults.push(other));
  const reader = new SettingsReader([sourceOf("Service", service), ...namespaceSource(look, service.namespace)], (other) =>
    faults.push(other),
  );
  const settings = reader.domainSettings(configMapsOf(look, service.namespace));

  const claims: Claim[] = [];
  for (const hostname of splitList(hostnames)) {
    let place = placeHost(hostname, zone);
    if (typeof place !== "string" && aliases.length > 0) place = targets.length > 0 ? place : placeAlias(place.name, zone);
    if (typeof place === "string") {
      fault("Unsupported", place);
      continue;
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
  }
  return { claims, faults };
}

const splitList = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function annotation({ settings }: ServiceFacts, key: string): string | undefined {
  for (const prefix of EXTERNAL_DNS_PREFIXES) {
    const setting = settings[prefix + key];
    if (setting?.from === "annotation") return setting.text;
  }
  return undefined;
}

/** Whole seconds, or a duration such as `1m30s`. */
function readTtl(service: ServiceFacts, fault: (reason: string, message: string) => void): TtlSpec | undefined {
  const text = annotation(service, "ttl");
  if (text === undefined) return undefined;
  const [whole, hours, minutes, seconds] = /^(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s?)?$/.exec(text) ?? [];
  if (whole) return { kind: "fixed", seconds: Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0) };
  fault("InvalidSetting", `annotation ttl of external-dns "${text}" is ignored: it must be whole seconds, or a duration such as 1m30s`);
  return undefined;
}

/** Addresses that the names lead to, or names. */
function targetsOf(
  service: ServiceFacts,
  look: Lookup,
  fault: (reason: string, message: string) => void,
  other: (fault: Fault) => void,
): { targets: Target[]; aliases: Name[] } {
  const named = annotation(service, "target");
  const texts =
    named !== undefined
      ? splitList(named)
      : service.type === "ExternalName"
        ? splitList(service.externalName ?? "")
        : service.type === "LoadBalancer" || service.balancers.length > 0
          ? service.balancers
          : service.headless
            ? undefined
            : service.clusterAddresses;
  if (texts === undefined) return { targets: serviceTargets(service, undefined, [sourceOf("Service", service)], look, other), aliases: [] };
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
