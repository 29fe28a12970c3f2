import { namespaceSource, type Lookup } from "./claim.ts";
import type { ServiceFacts, SliceEndpoint, SliceFacts } from "./facts.ts";
import type { Fault, Port, Target } from "./model.ts";
import { podReader, podTarget } from "./pods.ts";
import { SettingsReader, type SettingsSource } from "./settings.ts";

/**
 * The endpoints of a Service as its EndpointSlices give them, each joined with its pod. An endpoint is ready when the slice and the pod say
 * so: whichever hears of an end first counts.
 * @param port only endpoints of this port, by its name in the Service; of any when absent
 * @param published what the objects that publish it say of its endpoints' probes, where the pods say nothing
 */
export function serviceTargets(
  service: ServiceFacts,
  port: string | undefined,
  published: readonly SettingsSource[],
  look: Lookup,
  fault: (fault: Fault) => void,
): Target[] {
  const targets = new Map<string, Target>();
  for (const slice of look.slices(service.namespace, service.name)) {
    const ports = slice.ports.filter(({ name }) => port === undefined || (name ?? "") === port);
    if (port !== undefined && ports.length === 0) continue;
    for (const endpoint of slice.endpoints) {
      const target = endpointTarget(slice, endpoint, ports, published, look, fault);
      if (!target) continue;
      const known = targets.get(target.key);
      targets.set(target.key, known ? join(known, target) : target);
    }
  }
  return [...targets.values()];
}

function endpointTarget(
  slice: SliceFacts,
  endpoint: SliceEndpoint,
  ports: readonly Port[],
  published: readonly SettingsSource[],
  look: Lookup,
  fault: (fault: Fault) => void,
): Target | undefined {
  const { ipv6, ipv4, address } = endpoint;
  if (!ipv6 && !ipv4) return undefined;
  const state = endpoint.terminating ? "terminating" : endpoint.ready ? "ready" : "not ready";
  const pod = endpoint.pod === undefined ? undefined : look.get("Pod", slice.namespace, endpoint.pod);
  if (pod) {
    const target = podTarget(pod, look, podReader(pod, look, fault, published).reader, ports);
    return { ...target, ipv6, ipv4, state: target.state === "ready" ? state : target.state };
  }
  const lost = endpoint.node !== undefined && look.get("Node", "", endpoint.node)?.lost === true;
  return {
    key: endpoint.pod === undefined ? address : `${slice.namespace}/${endpoint.pod}`,
    namespace: slice.namespace,
    name: endpoint.pod ?? address,
    label: undefined,
    node: endpoint.node,
    ipv6,
    ipv4,
    state: lost && state === "ready" ? "node lost" : state,
    ports,
    probe: new SettingsReader([...published, ...namespaceSource(look, slice.namespace)], fault).probe(ports),
  };
}

/** Two readings of one endpoint: slices of the two families, or of different ports. It is as bad as the worse of them. */
function join(a: Target, b: Target): Target {
  const ports = [...a.ports, ...b.ports.filter((port) => !a.ports.some((other) => other.port === port.port && other.name === port.name))];
  return { ...a, ipv6: a.ipv6 ?? b.ipv6, ipv4: a.ipv4 ?? b.ipv4, state: a.state === "ready" ? b.state : a.state, ports };
}
