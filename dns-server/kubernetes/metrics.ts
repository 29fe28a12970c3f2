import type { Registry } from "prom-client";
import { collected } from "../runtime/collected.ts";
import type { WatchCounts } from "./cluster.ts";

/** Adds the metrics of the watch to a registry. @param counts undefined where no cluster is watched */
export function registerWatchMetrics(registry: Registry, counts: () => WatchCounts | undefined): void {
  const { gauge, counter } = collected(registry, counts);
  gauge(
    "peakdns_kubernetes_missing",
    "1 for each kind of object that is done without since it could not be listed.",
    ["kind"],
    (metric, { missing }) => {
      for (const kind of missing) metric.set({ kind }, 1);
    },
  );
  counter("peakdns_kubernetes_errors_total", "Failures of lists and watches of the Kubernetes API.", ["kind"], (metric, { errors }) => {
    for (const [kind, count] of errors) metric.inc({ kind }, count);
  });
}
