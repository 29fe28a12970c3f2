/** Which pod this is. Kubernetes' downward API sets it in the environment. */
export interface Pod {
  readonly pod: string;
  readonly node: string;
  /** The pod's IP addresses, the published one first. */
  readonly addresses: readonly string[];
}

export interface Environment {
  readonly self: Pod;
  /** Seconds to serve on after SIGTERM. Default 65: five of TTL, and sixty that browsers keep an address. */
  readonly drainSeconds: number;
}

/**
 * Reads POD_NAME (`metadata.name`), NODE_NAME (`spec.nodeName`), POD_IPS (`status.podIPs`, separated by commas) and DRAIN_SECONDS.
 * Throws, naming the variable, if one is missing or makes no sense.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  return {
    self: { pod: required(env, "POD_NAME"), node: required(env, "NODE_NAME"), addresses: required(env, "POD_IPS").split(",") },
    drainSeconds: seconds(env, "DRAIN_SECONDS", 65),
  };
}

function required(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is not set: the pod's manifest must take it from the downward API`);
  return value;
}

function seconds(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name] ?? String(fallback);
  if (!/^\d{1,5}$/.test(text)) throw new Error(`${name}=${text}: must be a whole number of seconds, at most 99999`);
  return Number(text);
}
