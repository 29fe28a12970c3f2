/** Ingresses: ready when every backend has endpoints and a controller has given an address. */

import { listAt, nameOf, textAt, type KubeObject } from "../objects.ts";
import type { Json } from "../values.ts";
import { hasReadyEndpoint } from "./service.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const ingress: Awaiter = {
  related: () => [
    { kind: "endpointSlices", query: {} },
    { kind: "services", query: {} },
  ],
  status(object, { endpointSlices, services }) {
    const external = services.filter((service) => textAt(service, "spec", "type") === "ExternalName").map(nameOf);
    const served = endpointSlices
      .filter(hasReadyEndpoint)
      .map((slice) => textAt(slice, "metadata", "labels", "kubernetes.io/service-name") ?? "");
    const missing = backends(object).filter((name) => !external.includes(name) && !served.includes(name));
    if (missing.length > 0) {
      return waiting(
        `no endpoints for ${missing.join(", ")}`,
        missing.map((name) => `no ready pod behind service ${name}`),
      );
    }
    if (listAt(object, "status", "loadBalancer", "ingress").length === 0) {
      return waiting("no address yet", ["the ingress got no address; does an ingress controller serve its class?"]);
    }
    return ready;
  },
};

/** The names of the services that the ingress directs to, each once. */
function backends(object: KubeObject): string[] {
  const nameIn = (backend: Json, ...path: string[]): string[] => {
    const name = textAt(backend, ...path, "service", "name");
    return name === undefined ? [] : [name];
  };
  const rules = listAt(object, "spec", "rules").flatMap((rule) => listAt(rule, "http", "paths"));
  return [...new Set([...nameIn(object, "spec", "defaultBackend"), ...rules.flatMap((path) => nameIn(path, "backend"))])];
}
