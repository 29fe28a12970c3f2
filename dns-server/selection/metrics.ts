import type { Registry } from "prom-client";
import { collected } from "../runtime/collected.ts";
import { formatName } from "../wire/name.ts";
import type { SelectionCounts } from "./selector.ts";

/**
 * Adds the metrics of probes and steering to a registry. Their labels are domains, pods and fixed words: no more series than the cluster
 * has pods.
 * @param counts of the source in force; undefined where it has no pods
 */
export function registerSelectionMetrics(registry: Registry, counts: () => SelectionCounts | undefined): void {
  const { gauge, counter } = collected(registry, counts);
  gauge("peakdns_pods", "Targets by domain, and by the reason why they are in the answer or not.", ["domain", "reason"], (metric, now) => {
    for (const [domain, { verdicts }] of now.selections)
      for (const { verdict } of verdicts.values()) metric.inc({ domain: formatName(domain), reason: verdict.replaceAll(" ", "_") });
  });
  gauge("peakdns_ttl_seconds", "TTL of the addresses of a domain.", ["domain"], (metric, now) => {
    for (const [domain, { ttl }] of now.selections) metric.set({ domain: formatName(domain) }, ttl.seconds);
  });
  gauge(
    "peakdns_pod_load",
    "Load of a target that its domain is steered by, as Prometheus last told it.",
    ["domain", "pod"],
    (metric, now) => {
      for (const { domain, target, load } of now.loads) metric.set({ domain: formatName(domain), pod: target }, load);
    },
  );
  counter("peakdns_probes_total", "Probes of targets by result.", ["result"], (metric, { probes }) => {
    for (const [result, count] of probes.results) metric.inc({ result }, count);
  });
  gauge("peakdns_probe_targets", "Addresses that are probed, by what is thought of them.", ["state"], (metric, { probes }) => {
    metric.set({ state: "good" }, probes.targets - probes.out);
    metric.set({ state: "failed" }, probes.out);
  });
  gauge("peakdns_probes_frozen", "1 while most targets fail at once, so that verdicts by probes are held.", [], (metric, { probes }) => {
    metric.set(probes.frozen ? 1 : 0);
  });
  counter("peakdns_prometheus_requests_total", "Queries to Prometheus.", [], (metric, { steering }) => metric.inc(steering.requests));
  counter("peakdns_prometheus_errors_total", "Queries to Prometheus that gave nothing, by reason.", ["reason"], (metric, { steering }) => {
    for (const [reason, count] of steering.errors) metric.inc({ reason: reason.replaceAll(" ", "_") }, count);
  });
  counter("peakdns_steering_empty_answers_total", "Answers of Prometheus without a load of any pod of the domain.", [], (metric, { steering }) =>
    metric.inc(steering.emptyAnswers),
  );
  gauge("peakdns_pods_without_load", "Candidates of which the last answer to their domain's query has no load.", ["domain"], (metric, now) => {
    for (const { domain, count } of now.missing) metric.set({ domain: formatName(domain) }, count);
  });
  gauge("peakdns_steering_unasked", "1 for each domain that is not asked for, since it is over a bound.", ["domain"], (metric, now) => {
    for (const domain of now.unasked) metric.set({ domain: formatName(domain) }, 1);
  });
  counter("peakdns_prometheus_warnings_total", "Warnings beside Prometheus' results.", [], (metric, { steering }) =>
    metric.inc(steering.warnings),
  );
  gauge(
    "peakdns_prometheus_age_seconds",
    "How long Prometheus has been lost, and why; 0 while it answers.",
    ["reason"],
    (metric, { prometheus }) => {
      metric.set({ reason: prometheus?.reason.replaceAll(" ", "_") ?? "" }, prometheus?.seconds ?? 0);
    },
  );
  counter("peakdns_steering_rounds_total", "Rounds of asking for the loads of all domains.", [], (metric, { steering }) =>
    metric.inc(steering.rounds),
  );
  gauge("peakdns_steering_round_seconds", "How long the last round took.", [], (metric, { steering }) => {
    if (steering.lastRoundSeconds !== undefined) metric.set(steering.lastRoundSeconds);
  });
}
