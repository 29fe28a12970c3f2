import { addressIn, formatPrefix, parsePrefix, subPrefix, type Prefix } from "./prefix.ts";

/** What one scope (ULA, or the provider's global prefix) delegates to one node. */
export interface NodeScope {
  /** The node's /80. */
  prefix: string;
  /** The node's own address, `::1` of its /80. */
  address: string;
  /** Where a root server of the zone answers, where the node has one: `::53` of the /80, beside what else serves DNS on the node. */
  rootServer: string;
  /** The /96 that its pods get addresses from. */
  pods: string;
  /** The first address of `pods` that a pod may have; below are the bridge and room for fixed ones. */
  firstPod: string;
}

/** Everything that prefix delegation gives one node. */
export interface NodeDelegation {
  ula: NodeScope;
  /** Present when the stack has a provider prefix. */
  global?: NodeScope;
  /** The /96 that this node maps IPv4 into (RFC 6052). */
  nat64: string;
}

/** The plan of the whole cluster's addresses. */
export interface AddressPlan {
  /** The cluster's ULA /64. */
  ula: string;
  /** The provider's /64, where there is one. */
  global?: string;
  /** Kubernetes Service addresses, a /112 inside the first /80. */
  services: string;
  /** The address of the `kubernetes` Service: the first of `services`. */
  apiService: string;
  /** The address of the cluster's DNS Service. */
  clusterDns: string;
  /** Delegates to node number `number` (1 to 0xfffd). @throws Error when the number is out of range */
  node(number: number): NodeDelegation;
  /** The site's router: where the nodes' default route points. */
  router: { ula: string; global?: string };
  /** The operator's host, on its link to the router. */
  operator: string;
}

const routerNumber = 0xffff;
const operatorNumber = 0xfffe;

/**
 * Plans the addresses of a cluster (shared model: node n owns `C:n::/80`, its pods `C:n:1::/96`, its NAT64 `C:n:64::/96`).
 * @param ula the cluster's ULA /64
 * @param global the provider's /64; omitted where clients reach the ULA
 * @throws Error when a prefix is not a /64
 */
export function planAddresses(ula: string, global?: string): AddressPlan {
  const cluster = slash64(ula);
  const provider = global === undefined ? undefined : slash64(global);
  const services = subPrefix(subPrefix(cluster, 80, 0), 112, 0);
  return {
    ula: formatPrefix(cluster),
    ...(provider && { global: formatPrefix(provider) }),
    services: formatPrefix(services),
    apiService: addressIn(services, 1),
    clusterDns: addressIn(services, 0xa),
    node(number) {
      if (!Number.isInteger(number) || number < 1 || number >= operatorNumber) {
        throw new Error(`a node's number is 1 to ${operatorNumber - 1}, not ${number}`);
      }
      const own = subPrefix(cluster, 80, number);
      return {
        ula: scope(own),
        ...(provider && { global: scope(subPrefix(provider, 80, number)) }),
        nat64: formatPrefix(subPrefix(own, 96, 0x64)),
      };
    },
    router: {
      ula: addressIn(subPrefix(cluster, 80, routerNumber), 1),
      ...(provider && { global: addressIn(subPrefix(provider, 80, routerNumber), 1) }),
    },
    operator: addressIn(subPrefix(cluster, 80, operatorNumber), 1),
  };
}

/** The scopes of a node in the order in which its pods' addresses are published: global first, where there is one. */
export function scopes(node: NodeDelegation): NodeScope[] {
  return node.global ? [node.global, node.ula] : [node.ula];
}

/** The scope of a node that clients can reach. */
export function publishedScope(node: NodeDelegation): NodeScope {
  return node.global ?? node.ula;
}

function scope(prefix: Prefix): NodeScope {
  const pods = subPrefix(prefix, 96, 1);
  return {
    prefix: formatPrefix(prefix),
    address: addressIn(prefix, 1),
    rootServer: addressIn(prefix, 0x53),
    pods: formatPrefix(pods),
    firstPod: addressIn(pods, 0x10),
  };
}

function slash64(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix.length !== 64) throw new Error(`"${text}" must be a /64: every node gets a /80 of it`);
  return prefix;
}
