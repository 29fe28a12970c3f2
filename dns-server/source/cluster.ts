import type { ClusterConfig } from "../config.ts";
import { Domains } from "../kubernetes/domains.ts";
import { DOMAIN_KEY, endpointOf, isDomain, podKey } from "../kubernetes/pods.ts";
import { loadKubeConfig, watchPods } from "../kubernetes/watch.ts";
import { log } from "../log.ts";
import type { View } from "../view/view.ts";
import { Registration } from "../update/registration.ts";
import type { Source } from "./source.ts";

/**
 * A view that follows the pods of a cluster.
 * @param changed called after each new view
 * @throws UserError when there is no access to a cluster
 */
export function clusterSource(config: ClusterConfig, changed: () => void): Source {
  const domains = new Domains(config);
  let view: View = { zones: new Map(), loading: [config.zone] };
  const { register, zone, nameServers, delegationTtl } = config;
  const registered = nameServers.filter(({ name }) => register?.as?.includes(name) ?? true);
  const registration = register && new Registration({ ...register, zone, nameServers: registered, ttl: delegationTtl });
  let lostAt: number | undefined = Date.now();
  let lastError: string | undefined;
  let swap: NodeJS.Immediate | undefined;
  const rebuild = (): void => {
    swap = undefined;
    // serials only have to grow; seconds do for a zone that nobody transfers
    view = { zones: domains.build(Math.floor(Date.now() / 1000)), loading: [] };
    registration?.set(view.zones.keys());
    changed();
  };
  /** Changes that come together make one view. Before the first complete list there is none to change. */
  const schedule = (change: boolean): void => {
    if (change && view.loading.length === 0) swap ??= setImmediate(rebuild);
  };
  const watch = watchPods(loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context), {
    changed: (pod) => {
      const endpoint = endpointOf(pod);
      if (endpoint && !isDomain(endpoint.domain)) log("warn", `pod ${endpoint.pod}: ${DOMAIN_KEY} "${endpoint.domain}" is no host name`);
      schedule(domains.update(podKey(pod), endpoint));
    },
    removed: (pod) => schedule(domains.update(podKey(pod), undefined)),
    listed: () => {
      if (view.loading.length > 0) log("info", "the list of pods is complete", domains.counts());
      rebuild();
    },
    connection: (error) => {
      if (error === undefined) {
        if (lostAt !== undefined) log("info", "watching the pods");
        lostAt = undefined;
      } else {
        if (error !== lastError) log("warn", "the Kubernetes API is away, serving the last view", { error });
        lostAt ??= Date.now();
      }
      lastError = error;
    },
  });
  return {
    view: () => view,
    ageSeconds: () => (lostAt === undefined ? 0 : (Date.now() - lostAt) / 1000),
    pods: () => domains.counts(),
    withdraw: async () => registration?.withdraw(),
    registrations: () => registration?.ages() ?? [],
    stop: async () => {
      if (swap) clearImmediate(swap);
      registration?.stop();
      await watch.stop();
    },
  };
}
