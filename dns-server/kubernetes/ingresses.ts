import type { Fault, Target } from "../model/domain.ts";
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
import { externalDns, externalDnsTtl } from "./external-dns.ts";
import type { IngressFacts, IngressPath, ServiceFacts } from "./facts.ts";
import { placeHost } from "./placement.ts";
import { SettingsReader, type SettingsSource } from "./settings.ts";

/** `spec.controller` of IngressClasses that are this server's. */
export const INGRESS_CONTROLLER = "dns.peak/ingress";

/** An IngressClass says whose it is; without the object its name does. */
export function isOurIngress({ className }: IngressFacts, objects: Objects, settings: ClaimSettings): boolean {
  if (className === undefined) return false;
  const found = objects.get("IngressClass", "", className);
  return found ? found.controllerName === INGRESS_CONTROLLER : className === settings.ingressClass;
}

/** What an Ingress asks for: each host leads to the endpoints of its backend. What DNS cannot do is a fault. */
export function readIngress(ingress: IngressFacts, objects: Objects, settings: ClaimSettings): ObjectClaims {
  if (!isOurIngress(ingress, objects, settings)) return NO_CLAIMS;
  const object = refOf("Ingress", ingress);
  const faults: Fault[] = [];
  const unsupported = (message: string): void => void faults.push({ object, reason: "Unsupported", message });
  if (ingress.foreign.length > 0) {
    unsupported(
      `annotations ${ingress.foreign.join(", ")} have no effect: clients connect to the pods themselves, and nothing rewrites what they ` +
        `say; do it in the application`,
    );
  }
  const own = (["hostname", "internal-hostname", "target"] as const).filter((key) => externalDns(ingress.settings, key) !== undefined);
  if (own.length > 0) {
    unsupported(
      `annotations ${own.join(", ")} of external-dns have no effect on an Ingress: its rules name the hosts, and each leads to the pods of ` +
        `its backend; add a rule, or annotate the Service`,
    );
  }
  const ttl = externalDnsTtl(ingress.settings, (reason, message) => faults.push({ object, reason, message }));
  if (ingress.hasTls) unsupported("spec.tls has no effect: TLS ends in the pods; mount the Secret there");
  const { defaultBackend } = ingress;
  if (defaultBackend && !ingress.rules.some(({ host, paths }) => host !== "" && paths.length === 0))
    unsupported("spec.defaultBackend has no effect: only a host can be a name; give a rule with a host, and no paths");

  const byHost = new Map<string, IngressPath[]>();
  for (const { host, paths } of ingress.rules) {
    if (host === "") unsupported("a rule without a host has no effect: only a host can be a name; add one");
    else byHost.set(host, [...(byHost.get(host) ?? []), ...paths]);
  }
  const claims: Claim[] = [];
  for (const [host, paths] of byHost) {
    const place = placeHost(host, settings.zone);
    if (typeof place === "string") {
      unsupported(place);
      continue;
    }
    const claimed: Fault[] = [];
    const undoable = (message: string): void => void claimed.push({ object, reason: "Unsupported", message });
    const path = choosePath(host, paths.length === 0 && defaultBackend ? [defaultBackend] : paths, undoable);
    const { targets, service } = backendTargets(host, ingress, path, objects, undoable, (fault) => faults.push(fault));
    const sources: SettingsSource[] = [
      sourceOf("Ingress", ingress),
      ...(service ? [sourceOf("Service", service)] : []),
      ...namespaceSource(objects, ingress.namespace),
    ];
    const reader = new SettingsReader(sources, (fault) => faults.push(fault));
    const domainSettings = reader.domainSettings(configMapsOf(objects, ingress.namespace));
    claims.push({
      ...place,
      namespace: ingress.namespace,
      owner: object,
      since: ingress.created,
      targets,
      alias: undefined,
      isPartial: !path || !isRoot(path),
      faults: claimed,
      saidAt: ingress.created,
      settings: { ...domainSettings, ttl: ttl ?? domainSettings.ttl },
    });
  }
  return { claims, faults };
}

const isRoot = ({ path, exact }: IngressPath): boolean => (path === "/" || path === "") && !exact;

/** The path whose backend the host leads to: `/` if there is one. */
function choosePath(host: string, paths: readonly IngressPath[], unsupported: (message: string) => void): IngressPath | undefined {
  const chosen = paths.find(isRoot) ?? paths[0];
  const narrow = paths.filter((path) => !isRoot(path)).map(({ path, exact }) => (exact ? `${path} (Exact)` : path));
  if (narrow.length > 0) {
    unsupported(
      `host ${host}: DNS knows no paths, so ${narrow.join(", ")} cannot be told from others; ` +
        `all of the host leads to the Service ${chosen?.backend?.service ?? "(none)"}; give each path a host of its own`,
    );
  }
  const others = new Set(
    paths.filter(isRoot).flatMap(({ backend }) => (backend && !sameBackend(backend, chosen?.backend) ? [backend.service] : [])),
  );
  if (others.size > 0)
    unsupported(`host ${host} has more than one backend; ${[...others].join(", ")} gets nothing; give each backend a host of its own`);
  return chosen;
}

const sameBackend = (a: NonNullable<IngressPath["backend"]>, b: IngressPath["backend"]): boolean =>
  a.service === b?.service && a.port === b.port;

function backendTargets(
  host: string,
  ingress: IngressFacts,
  path: IngressPath | undefined,
  objects: Objects,
  unsupported: (message: string) => void,
  fault: (fault: Fault) => void,
): { targets: Target[]; service?: ServiceFacts } {
  if (!path?.backend) {
    unsupported(`host ${host} has no Service as its backend, so that it leads nowhere; name one`);
    return { targets: [] };
  }
  const { service: name, port: wanted } = path.backend;
  const service = objects.get("Service", ingress.namespace, name);
  if (!service) {
    unsupported(`host ${host}: there is no Service ${name} in the namespace ${ingress.namespace}; create it`);
    return { targets: [] };
  }
  if (service.type === "ExternalName") {
    unsupported(`host ${host}: the Service ${name} is another name (ExternalName), without endpoints; name a Service that has some`);
    return { targets: [], service };
  }
  const port = service.ports.find((known) => known.port === wanted || known.name === wanted);
  if (!port) {
    unsupported(`host ${host}: the Service ${name} has no port "${wanted}"; it has ${service.ports.map(showPort).join(", ") || "none"}`);
    return { targets: [], service };
  }
  const published = [sourceOf("Ingress", ingress), sourceOf("Service", service)];
  const targets = serviceTargets(service, port.name, published, objects, fault);
  const real = [...new Set(targets.flatMap(({ ports }) => ports.map((known) => known.port)))].filter((known) => known !== port.port);
  if (real.length > 0) {
    unsupported(
      `host ${host}: clients find the pods at port ${real.join(", ")}, not at ${port.port} of the Service ${name}: DNS translates no ` +
        `ports; make port and targetPort the same`,
    );
  }
  return { targets, service };
}

const showPort = ({ name, port }: ServiceFacts["ports"][number]): string => (name === "" ? String(port) : `${port} (${name})`);
