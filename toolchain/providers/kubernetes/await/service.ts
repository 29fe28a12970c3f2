/** Services: ready when they have an endpoint that is ready and, as a load balancer, an address. */

import { at, listAt, nameOf, objectAt, textAt, type KubeObject } from "../objects.ts";
import { isObject } from "../values.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const service: Awaiter = {
  related(object) {
    return needsEndpoints(object)
      ? [{ kind: "endpointSlices", query: { labelSelector: `kubernetes.io/service-name=${nameOf(object)}` } }]
      : [];
  },
  status(object, { endpointSlices }) {
    if (needsEndpoints(object) && !endpointSlices.some(hasReadyEndpoint)) {
      return waiting("no pod is ready to take traffic", [
        "the service targets no pod that is ready: its pods are not ready yet, or spec.selector does not match the labels of any",
      ]);
    }
    if (textAt(object, "spec", "type") === "LoadBalancer" && listAt(object, "status", "loadBalancer", "ingress").length === 0) {
      return waiting("no load balancer address yet", ["the service got no address; does the cluster have a load balancer controller?"]);
    }
    return ready;
  },
};

/** Headless and external services, and those without a selector, are ready without endpoints. */
function needsEndpoints(object: KubeObject): boolean {
  return (
    textAt(object, "spec", "type") !== "ExternalName" &&
    textAt(object, "spec", "clusterIP") !== "None" &&
    Object.keys(objectAt(object, "spec", "selector")).length > 0
  );
}

export function hasReadyEndpoint(slice: KubeObject): boolean {
  // "ready" unset means unknown, which consumers take for ready.
  return listAt(slice, "endpoints").some((endpoint) => isObject(endpoint) && at(endpoint, "conditions", "ready") !== false);
}
