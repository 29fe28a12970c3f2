import { setTimeout } from "node:timers/promises";
import type { ClusterConfig } from "../../config/roles.ts";
import { loadKubeConfig } from "../../kubernetes/watch.ts";
import { unlessAborted } from "../../runtime/abort.ts";
import { explainDomain } from "../../selection/explanation.ts";
import { PrometheusAccess } from "../../steering/access.ts";
import type { Source } from "../source.ts";
import { Pipeline } from "./pipeline.ts";

/** How often it is looked whether all has settled, in the time that it may take. */
const SETTLE_CHECKS = 60;

/**
 * A view that follows the objects of a cluster.
 * @param changed called after each new view, with the times of the changes that led to it, in milliseconds since the epoch
 * @param old the source of the configuration before: what it knows stays in force until it is found out anew
 * @throws UserError when there is no access to a cluster, or what Prometheus is asked with cannot be read
 */
export function clusterSource(config: ClusterConfig, changed: (since: readonly number[]) => void, old?: Source): Source {
  const kubeConfig = loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context);
  const access = config.prometheus && new PrometheusAccess(config.prometheus);
  const read = Promise.withResolvers<void>();
  const pipeline = new Pipeline(config, {
    kubeConfig,
    access,
    legacy: old?.pods?.handOver(),
    changed: (since) => {
      read.resolve();
      changed(since);
    },
  });
  const { choice, domains, inventory, registration, view, watch, zones } = pipeline;
  const { selector } = choice;

  const settled = async (signal: AbortSignal): Promise<void> => {
    await unlessAborted(read.promise, signal);
    // or targets that are known to be dead or overloaded would be given until that is found out again: two failures, and a bit
    const patience = 3 * config.probe.interval + (config.prometheus?.timeout ?? 0);
    for (let i = 0; i < SETTLE_CHECKS && !selector.isSettled(); i++) await setTimeout((1000 * patience) / SETTLE_CHECKS, undefined, { signal });
  };
  return {
    view: () => view.current,
    lost: () => {
      const lost = watch.lost();
      const since = Math.min(lost?.since ?? Infinity, pipeline.keptAt ?? Infinity);
      return lost && { seconds: (Date.now() - since) / 1000, reason: lost.loss?.reason ?? "no contact yet" };
    },
    pods: {
      settled,
      selection: () => selector.counts(),
      watch: () => watch.counts(),
      explain: (name) => {
        const domain = domains.find(name);
        if (!domain) return undefined;
        const lost = watch.lost();
        const frozen = lost && { frozen: (Date.now() - lost.since) / 1000, error: lost.loss?.message };
        return explainDomain(domain, selector, { ...view.made, ...frozen }, config);
      },
      handOver: () => ({ selector, delegations: zones.delegations, owners: inventory.owners() }),
    },
    ...(registration && { parent: registration }),
    stop: () => pipeline.stop(),
  };
}
