/** How often everything is asked, seconds: steering follows what it sees here. */
const interval = "2s";
/** The kubelet measures its containers every ten seconds at best, and telling it takes work. */
const kubeletInterval = "10s";

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";
const annotation = (name: string) => `__meta_kubernetes_pod_annotation_prometheus_io_${name}`;

/**
 * Prometheus's configuration: pods that ask for it by the annotations `prometheus.io/scrape: "true"` and `prometheus.io/port`, labelled
 * `namespace`, `pod` and `node`; and what each kubelet measures of all containers. Pure.
 */
export function renderPrometheus(): string {
  return JSON.stringify({
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [
      {
        job_name: "pods",
        kubernetes_sd_configs: [{ role: "pod" }],
        relabel_configs: [
          { source_labels: [annotation("scrape"), "__meta_kubernetes_pod_phase"], regex: "true;Running", action: "keep" },
          // One target a pod, whatever ports it declares. An IPv6 address needs brackets.
          { source_labels: ["__meta_kubernetes_pod_ip", annotation("port")], regex: "(.*:.*);(.+)", replacement: "[$1]:$2", target_label: "__address__" },
          { source_labels: ["__meta_kubernetes_pod_ip", annotation("port")], regex: "([^:]*);(.+)", replacement: "$1:$2", target_label: "__address__" },
          { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
          { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
          { source_labels: ["__meta_kubernetes_pod_node_name"], target_label: "node" },
        ],
      },
      {
        job_name: "containers",
        scrape_interval: kubeletInterval,
        scrape_timeout: kubeletInterval,
        scheme: "https",
        metrics_path: "/metrics/cadvisor",
        authorization: { credentials_file: `${serviceAccount}/token` },
        tls_config: { ca_file: `${serviceAccount}/ca.crt` },
        kubernetes_sd_configs: [{ role: "node" }],
        relabel_configs: [{ source_labels: ["__meta_kubernetes_node_name"], target_label: "node" }],
        metric_relabel_configs: [
          { source_labels: ["__name__"], regex: "container_(cpu_usage_seconds_total|memory_working_set_bytes|network_.*_bytes_total)", action: "keep" },
        ],
      },
    ],
  }, undefined, 2);
}
