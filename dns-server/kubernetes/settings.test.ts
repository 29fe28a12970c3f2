import { describe, expect, test } from "vitest";
import type { Domain } from "../model/domain.ts";
import { pod, plain, TestInventory, workload } from "../testing/objects.ts";

/** The domain `web` with one pod that says these. */
function domainWith(annotations: Record<string, string>, cluster = new TestInventory()): { domain: Domain; faults: string[] } {
  cluster.apply(
    "Pod",
    pod("a", { ip: "fd00::a", ports: { dns: 53, http: 8080 }, annotations: { "dns.peak/domain": "web", ...annotations } }),
  );
  const faults = cluster.faults();
  return { domain: cluster.domains.get("web.peak")!, faults };
}

const query = "load{}";

describe("a setting", () => {
  test.each([
    ["dns.peak/only-top", "true", { onlyTop: true }],
    ["dns.peak/ttl", "30", { ttl: { kind: "fixed", seconds: 30 } }],
    ["dns.peak/ttl", "auto", { ttl: { kind: "auto" } }],
    ["dns.peak/ttl", "query: min(x) ", { ttl: { kind: "query", query: "min(x)" } }],
    ["dns.peak/loadbalance", query, { steering: { policy: "round-robin", query, threshold: { kind: "average-relative", factor: 1.5 } } }],
    ["dns.peak/probe", "http:8080/healthz", { targets: [{ probe: { kind: "http", port: 8080, path: "/healthz" } }] }],
    ["dns.peak/probe", "http:8080", { targets: [{ probe: { kind: "http", port: 8080, path: "/" } }] }],
    ["dns.peak/probe", "tcp:9000", { targets: [{ probe: { kind: "tcp", port: 9000 } }] }],
    ["dns.peak/probe", "off", { targets: [{ probe: undefined }] }],
  ])("%s: %s", (key, text, expected) => {
    const { domain, faults } = domainWith({ [key]: text });
    expect(domain).toMatchObject(expected);
    expect(faults).toEqual([]);
  });

  test.each([
    ["singlebest", "2", "single-best", { kind: "average-relative", factor: 2 }],
    ["LeastLoaded", "2", "least-loaded", { kind: "average-relative", factor: 2 }],
    ["excludeoverloaded", "absolute:0.8", "round-robin", { kind: "absolute", value: 0.8 }],
    ["SingleBest", "absolute:-1e3", "single-best", { kind: "absolute", value: -1000 }],
  ])("mode %s with threshold %s", (mode, threshold, policy, expected) => {
    const { domain } = domainWith({
      "dns.peak/loadbalance": query,
      "dns.peak/loadbalance-mode": mode,
      "dns.peak/overload-threshold": threshold,
    });
    expect(domain.steering).toEqual({ policy, query, threshold: expected });
  });

  test.each([
    ["dns.peak/only-top", "maybe"],
    ["dns.peak/ttl", "5s"],
    ["dns.peak/ttl", "-1"],
    ["dns.peak/ttl", "99999999999"],
    ["dns.peak/ttl", "query:"],
    ["dns.peak/loadbalance", " "],
    ["dns.peak/loadbalance-mode", "best"],
    ["dns.peak/overload-threshold", "0"],
    ["dns.peak/overload-threshold", "150%"],
    ["dns.peak/overload-threshold", "1e999"],
    ["dns.peak/probe", "tcp:0"],
    ["dns.peak/probe", "tcp:65536"],
    ["dns.peak/probe", "tcp:80/path"],
    ["dns.peak/probe", "icmp"],
    ["cluster-type", 'a"b'],
  ])("that is malformed is told, and the rest goes on: %s: %s", (key, text) => {
    const { domain, faults } = domainWith({ [key]: text });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^Pod a: annotation ${key} ".*" is ignored: it must be `, "s"))]);
    expect(domain).toMatchObject({ onlyTop: false, ttl: undefined, steering: undefined, targets: [{ probe: { kind: "tcp", port: 53 } }] });
  });

  test("that nobody knows is told", () => {
    expect(domainWith({ "dns.peak/tll": "5" }).faults).toEqual([
      expect.stringContaining("annotation dns.peak/tll means nothing; there is dns.peak/domain"),
    ]);
  });

  test("names a query in a ConfigMap, and follows it", () => {
    const cluster = new TestInventory().apply("ConfigMap", plain("queries", {}, { data: { "by.cpu": 'cpu{cluster="%cluster-type%"}' } }));
    const { domain } = domainWith({ "dns.peak/loadbalance": "configmap.queries.by.cpu", "cluster-type": "edge" }, cluster);
    expect(domain.steering?.query).toBe('cpu{cluster="edge"}');
    const now = (name: string, data: Record<string, string>): string | undefined => {
      cluster.apply("ConfigMap", plain(name, {}, { data })).flush();
      return cluster.domains.get("web.peak")?.steering?.query;
    };
    const faults = (): string[] => cluster.faults().map((fault) => fault.replace(/^.*" is ignored: /, ""));
    expect(now("queries", { "by.cpu": "other" })).toBe("other");
    expect([now("queries", {}), faults()]).toEqual([
      undefined,
      ["the ConfigMap queries has no such key with a text of at most 4096 characters"],
    ]);
    expect(now("queries", { "by.cpu": "x".repeat(5000) })).toBeUndefined();
    // a name with a dot
    expect(now("queries.by", { cpu: "dotted" })).toBe("dotted");
    cluster.remove("ConfigMap", "shop", "queries.by").remove("ConfigMap", "shop", "queries").flush();
    expect(cluster.domains.get("web.peak")?.steering).toBeUndefined();
    expect(faults()).toEqual(["there is no ConfigMap queries in the namespace"]);
  });

  test("says what %cluster-type% stands for, in every query; without it the text stays", () => {
    const query = 'load{type="%cluster-type%"}';
    const queries = (annotations: Record<string, string>): unknown => {
      const { domain } = domainWith({ "dns.peak/loadbalance": query, "dns.peak/ttl": `query:${query}`, ...annotations });
      return [domain.steering?.query, domain.ttl];
    };
    const both = (text: string): unknown => [text, { kind: "query", query: text }];
    expect(queries({ "cluster-type": "edge" })).toEqual(both('load{type="edge"}'));
    expect(queries({ "dns.peak/cluster-type": "core", "cluster-type": "edge" })).toEqual(both('load{type="core"}'));
    expect(queries({})).toEqual(both(query));
  });
});

describe("who decides", () => {
  const key = "dns.peak/ttl";
  const seconds = (cluster: TestInventory): unknown => {
    cluster.flush();
    return cluster.domains.get("web.peak")?.ttl;
  };

  test("the pod before its ReplicaSet, that before the Deployment, that before the namespace", () => {
    const cluster = new TestInventory();
    const say = (ttl: string | undefined): { annotations?: Record<string, string> } =>
      ttl === undefined ? {} : { annotations: { [key]: ttl } };
    const set = (onPod?: string, onSet?: string, onDeployment?: string, onNamespace?: string): unknown => {
      cluster.apply("Pod", pod("a", { ...say(onPod), labels: { "dns.peak/domain": "web" }, controller: "ReplicaSet/set" }));
      cluster.apply("ReplicaSet", workload("set", { ...say(onSet), controller: "Deployment/web" }));
      cluster.apply("Deployment", workload("web", say(onDeployment)));
      cluster.apply("Namespace", plain("shop", { namespace: "", ...say(onNamespace) }));
      return seconds(cluster);
    };
    expect(set("1", "2", "3", "4")).toEqual({ kind: "fixed", seconds: 1 });
    expect(set(undefined, "2", "3", "4")).toEqual({ kind: "fixed", seconds: 2 });
    expect(set(undefined, undefined, "3", "4")).toEqual({ kind: "fixed", seconds: 3 });
    expect(set(undefined, undefined, undefined, "4")).toEqual({ kind: "fixed", seconds: 4 });
    expect(set()).toBeUndefined();
    // a malformed one is as if it were not there
    expect(set("x", undefined, "3")).toEqual({ kind: "fixed", seconds: 3 });
  });

  test("an annotation before a label of the same object", () => {
    const both = pod("a", { labels: { "dns.peak/domain": "web", [key]: "1" }, annotations: { [key]: "2" } });
    expect(seconds(new TestInventory().apply("Pod", both))).toEqual({ kind: "fixed", seconds: 2 });
  });

  test("the youngest pod where pods disagree", () => {
    const cluster = new TestInventory();
    for (const [name, created] of [
      ["a", 1],
      ["b", 3],
      ["c", 2],
    ] as const)
      cluster.apply("Pod", pod(name, { created, annotations: { "dns.peak/domain": "web", [key]: String(created) } }));
    expect(seconds(cluster)).toEqual({ kind: "fixed", seconds: 3 });
  });

  test("faults of many pods of a Deployment are one, of the Deployment", () => {
    const cluster = new TestInventory().apply("Deployment", workload("web"));
    for (const name of ["a", "b", "c"])
      cluster.apply("Pod", pod(name, { annotations: { "dns.peak/domain": "web", [key]: "x" }, controller: "Deployment/web" }));
    expect(cluster.faults()).toEqual([expect.stringMatching(/^Deployment web: annotation dns.peak\/ttl "x"/)]);
  });
});
