import type { Fault, Port, Target } from "../model/domain.ts";
import { namespaceSource, type Objects } from "./claim.ts";
import type { PodFacts, ServiceFacts, SliceEndpoint, SliceFacts } from "./facts.ts";
import { podReader, podTarget } from "./pods.ts";
import { SettingsReader, type SettingsSource } from "./settings.ts";

/**
 * The endpoints of a Service as its EndpointSlices give them, each joined with its pod. An endpoint is ready when the slice and the pod say
 * so: whichever hears of an end first counts. A Service with `publishNotReadyAddresses` wants all that it names, ready or not.
 * @param port only endpoints of this port, by its name in the Service; of any when absent
 * @param published what the objects that publish it say of its endpoints' probes, where the pods say nothing
 */
export function serviceTargets(
  service: ServiceFacts,
  port: string | undefined,
  published: readonly SettingsSource[],
  objects: Objects,
  fault: (fault: Fault) => void,
): Target[] {
  const targets = new Map<string, Target>();
  for (const slice of objects.slices(service.namespace, service.name)) {
    const ports = slice.ports.filter(({ name }) => port === undefined || (name ?? "") === port);
    if (port !== undefined && ports.length === 0) continue;
    for (const endpoint of slice.endpoints) {
      const target = endpointTarget(slice, endpoint, { ports, published, isReadyAnyway: service.publishesNotReady }, objects, fault);
      if (!target) continue;
      const known = targets.get(target.key);
      targets.set(target.key, known ? join(known, target) : target);
    }
  }
  return [...targets.values()];
}

/** What a Service says of its endpoints. */
interface Publication {
  readonly ports: readonly Port[];
  readonly published: readonly SettingsSource[];
  readonly isReadyAnyway: boolean;
}

function endpointTarget(
  slice: SliceFacts,
  endpoint: SliceEndpoint,
  { ports, published, isReadyAnyway }: Publication,
  objects: Objects,
  fault: (fault: Fault) => void,
): Target | undefined {
  const { ipv6, ipv4, address } = endpoint;
  if (!ipv6 && !ipv4) return undefined;
  const state = endpointState(endpoint, isReadyAnyway);
  const pod = endpoint.pod === undefined ? undefined : objects.get("Pod", slice.namespace, endpoint.pod);
  if (pod && hasAddress(pod, endpoint)) {
    const { reader } = podReader(pod, objects, fault, published);
    const target = { ...podTarget(pod, objects, reader, ports), ipv6, ipv4 };
    // peers look for each other before they are ready: nobody asks them whether they are, unless told to
    if (isReadyAnyway) return { ...target, state, probe: reader.saidProbe() };
    const isOpen = target.state === "ready" || (target.state === "node lost" && state === "terminating");
    return { ...target, state: isOpen ? state : target.state };
  }
  const node = endpoint.node === undefined ? "ready" : (objects.get("Node", "", endpoint.node)?.state ?? "ready");
  // slices hear of the end of a pod later than we do, and the next pod of that name has another address
  const isOrphan = endpoint.pod !== undefined;
  return {
    key: address,
    namespace: slice.namespace,
    name: endpoint.pod ?? address,
    label: undefined,
    node: endpoint.node,
    ipv6,
    ipv4,
    state: state !== "ready" ? state : isOrphan ? "not ready" : node === "lost" ? "node lost" : node,
    ports,
    probe: safely(new SettingsReader([...published, ...namespaceSource(objects, slice.namespace)], fault).probe(ports)),
  };
}

/** Who may write a slice may name any address: nothing is asked of one that no pod vouches for. */
const safely = (probe: Target["probe"]): Target["probe"] => (probe?.kind === "http" ? { kind: "tcp", port: probe.port } : probe);

function endpointState({ ready, terminating }: SliceEndpoint, isReadyAnyway: boolean): Target["state"] {
  // slices call ready also who ends, where it is to be found until then
  if (isReadyAnyway && (ready || !terminating)) return "ready";
  return terminating ? "terminating" : ready ? "ready" : "not ready";
}

const hasAddress = (pod: PodFacts, { ipv6, ipv4 }: SliceEndpoint): boolean => isSame(pod.ipv6, ipv6) || isSame(pod.ipv4, ipv4);

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;

/** Two readings of one endpoint: slices of the two families, or of different ports. It is as bad as the worse of them. */
function join(a: Target, b: Target): Target {
  const ports = [...a.ports, ...b.ports.filter((port) => !a.ports.some((other) => other.port === port.port && other.name === port.name))];
  return { ...a, ipv6: a.ipv6 ?? b.ipv6, ipv4: a.ipv4 ?? b.ipv4, state: a.state === "ready" ? b.state : a.state, ports };
}
