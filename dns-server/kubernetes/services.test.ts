import { describe, expect, test } from "vitest";
import { ingress, plain, pod, service, slice, TestInventory } from "../testing/objects.ts";

const OLD = "external-dns.alpha.kubernetes.io/";
const NEW = "external-dns.kubernetes.io/";
const headless = { clusterIP: "None", clusterIPs: ["None"], ports: [{ port: 80 }] };
const clusterIp = { clusterIP: "fd01::1", clusterIPs: ["fd01::1", "10.0.0.1"], ports: [{ port: 80 }] };

const apply = (spec: object, annotations: Record<string, string>, balancers: readonly object[] = []): TestInventory =>
  new TestInventory()
    .apply("Service", service("web", spec, { annotations }, balancers))
    .apply("Pod", pod("a", { ip: "fd00::a" }))
    .apply("EndpointSlice", slice("web-1", "web", [{ port: 80 }], { a: "fd00::a" }));

describe("a Service with annotations of external-dns", () => {
  test.each<[string, object, Record<string, string>, readonly object[], string[] | string]>([
    ["its pods", headless, { [`${OLD}hostname`]: "web.peak" }, [], ["fd00::a"]],
    ["its own addresses", clusterIp, { [`${NEW}hostname`]: "web.peak." }, [], ["10.0.0.1", "fd01::1"]],
    ["its load balancer, which has no address yet", { ...clusterIp, type: "LoadBalancer" }, { [`${NEW}hostname`]: "web.peak" }, [], []],
    ["its load balancer", { ...clusterIp, type: "LoadBalancer" }, { [`${NEW}hostname`]: "web.peak" }, [{ ip: "192.0.2.1" }], ["192.0.2.1"]],
    ["given addresses", headless, { [`${OLD}hostname`]: "web.peak", [`${OLD}target`]: "fd00::1, 192.0.2.7" }, [], ["192.0.2.7", "fd00::1"]],
    ["what the newer prefix says", headless, { [`${OLD}hostname`]: "old.peak", [`${NEW}hostname`]: "web.peak" }, [], ["fd00::a"]],
    ["its pods, also with an empty target", headless, { [`${NEW}hostname`]: "web.peak", [`${NEW}target`]: " , " }, [], ["fd00::a"]],
    [
      "its external addresses rather than its load balancer",
      { ...clusterIp, type: "LoadBalancer", externalIPs: ["192.0.2.9"] },
      { [`${NEW}hostname`]: "web.peak" },
      [{ ip: "192.0.2.1" }],
      ["192.0.2.9"],
    ],
    ["its external addresses", { ...clusterIp, externalIPs: ["2001:db8::9"] }, { [`${NEW}hostname`]: "web.peak" }, [], ["2001:db8::9"]],
    [
      "the external addresses of one that is another name",
      { type: "ExternalName", externalName: "elsewhere.example", externalIPs: ["192.0.2.9"] },
      { [`${NEW}hostname`]: "web.peak" },
      [],
      ["192.0.2.9"],
    ],
    [
      "its own addresses, by an internal name",
      { ...clusterIp, type: "LoadBalancer", externalIPs: ["192.0.2.9"] },
      { [`${NEW}internal-hostname`]: "web.peak", [`${NEW}hostname`]: "www.peak" },
      [{ ip: "192.0.2.1" }],
      ["10.0.0.1", "fd01::1"],
    ],
    ["its pods, by an internal name", headless, { [`${OLD}internal-hostname`]: "web.peak" }, [], ["fd00::a"]],
    [
      "its pods, where it is said to be external-dns's",
      headless,
      { [`${NEW}hostname`]: "web.peak", [`${NEW}controller`]: "dns-controller" },
      [],
      ["fd00::a"],
    ],
    ["the first of several names", headless, { [`${OLD}hostname`]: "web.peak,www.web.peak" }, [], ["fd00::a"]],
  ])("leads to %s", (_, spec, annotations, balancers, expected) => {
    const cluster = apply(spec, annotations, balancers);
    expect(cluster.answer("web.peak")).toEqual(expected);
    expect(cluster.faults()).toEqual([]);
  });

  test("is nobody's business here when it is said to be another controller's", () => {
    const cluster = apply(headless, { [`${NEW}hostname`]: "web.peak", [`${OLD}controller`]: "mine" });
    expect([cluster.domains.get("web.peak"), cluster.faults()]).toEqual([undefined, []]);
  });

  test("on a pod or Ingress is told, with what to say instead", () => {
    const cluster = new TestInventory()
      .apply("Service", service("web", headless))
      .apply("Pod", pod("a", { ip: "fd00::a", annotations: { [`${NEW}hostname`]: "web.peak" } }))
      .apply("Pod", pod("b", { ip: "fd00::b", annotations: { [`${NEW}internal-hostname`]: "web.elsewhere" } }))
      .apply("Ingress", ingress("i", [{ host: "shop.peak" }], { annotations: { [`${OLD}target`]: "192.0.2.1", [`${OLD}ttl`]: "1m" } }));
    const told = cluster.faults().join("\n");
    expect(told).toContain("annotation hostname of external-dns has no effect on a pod: say dns.peak/domain for web.peak");
    expect(told).toContain("annotations target of external-dns have no effect on an Ingress");
    expect(told).not.toContain("elsewhere");
    expect(cluster.domains.get("shop.peak")?.ttl).toEqual({ kind: "fixed", seconds: 60 });
  });

  describe("that publishes pods that are not ready", () => {
    const slices = (ready: boolean, terminating = false): ReturnType<typeof slice> =>
      slice("web-1", "web", [{ name: "", port: 80 }], { a: "fd00::a" }, { ready, terminating });
    const probe = (annotations: Record<string, string>): unknown => {
      const cluster = apply({ ...headless, publishNotReadyAddresses: true }, { [`${OLD}hostname`]: "web.peak" });
      cluster.apply("Pod", pod("a", { ip: "fd00::a", ready: false, annotations, ports: { http: 80 } })).flush();
      return cluster.domains.get("web.peak")?.targets.map((target) => target.probe);
    };
    test.each<[string, Parameters<typeof pod>[1], ReturnType<typeof slice>, string[]]>([
      ["starts", { ready: false }, slices(true), ["fd00::a"]],
      ["starts, before its slice says so", { ready: false }, slices(false), ["fd00::a"]],
      ["ends", { ready: false, terminating: true }, slices(true, true), ["fd00::a"]],
      ["ends, and its slice has it no more for ready", { terminating: true }, slices(false, true), []],
      ["has another address", { ip: "fd00::b" }, slices(true), []],
    ])("leads to one that %s", (_, options, endpoints, expected) => {
      const cluster = apply({ ...headless, publishNotReadyAddresses: true }, { [`${OLD}hostname`]: "web.peak" })
        .apply("Pod", pod("a", { ip: "fd00::a", ...options }))
        .apply("EndpointSlice", endpoints);
      expect(cluster.answer("web.peak")).toEqual(expected);
    });
    test("does not ask it whether it answers, unless somebody says how", () => {
      expect(probe({})).toEqual([undefined]);
      expect(probe({ "dns.peak/probe": "tcp:81" })).toEqual([{ kind: "tcp", port: 81 }]);
    });
  });

  test("leads to what somebody else lists as its endpoints", () => {
    const cluster = apply(headless, { [`${OLD}hostname`]: "web.peak" });
    const endpoints = [{ addresses: ["fd00::9"] }, { addresses: ["fd00::8"], targetRef: { kind: "VirtualMachine", name: "v" } }];
    const labels = { "kubernetes.io/service-name": "web" };
    cluster.apply("EndpointSlice", plain("mine", { labels }, { addressType: "IPv6", ports: [{ port: 80 }], endpoints }));
    expect(cluster.answer("web.peak")).toEqual(["fd00::8", "fd00::9", "fd00::a"]);
  });

  test("asks no address over HTTP that no pod vouches for", () => {
    const cluster = apply(headless, { [`${OLD}hostname`]: "web.peak", "dns.peak/probe": "http:80/admin" });
    const labels = { "kubernetes.io/service-name": "web" };
    const forged = { addresses: ["fd00::8"], targetRef: { kind: "Pod", name: "a" } };
    cluster.apply("EndpointSlice", plain("mine", { labels }, { addressType: "IPv6", ports: [{ port: 80 }], endpoints: [{ addresses: ["fd00::9"] }, forged] }));
    cluster.flush();
    expect(cluster.domains.get("web.peak")?.targets.map(({ state, probe }) => [state, probe?.kind])).toEqual([
      ["ready", "tcp"],
      ["not ready", "tcp"],
      ["ready", "http"],
    ]);
  });

  test("leads to a name in the zone above", () => {
    const cluster = apply(headless, { [`${OLD}hostname`]: "www.web.peak", [`${OLD}target`]: "web.example" });
    expect(cluster.answer("www.web.peak")).toBe("web.example");
    expect(cluster.domains.get("www.web.peak")).toMatchObject({ origin: "\x03web\x04peak\0", targets: [] });
    expect(cluster.faults()).toEqual([]);
  });

  describe("that makes a name an alias", () => {
    const alias = (name: string, target: string, created: number): ReturnType<typeof service> =>
      service(name, {}, { annotations: { [`${OLD}hostname`]: "www.web.peak", [`${OLD}target`]: target }, created });

    test("has it when it is older than one that makes another alias, or has addresses", () => {
      const cluster = new TestInventory()
        .apply("Service", alias("b", "b.example", 1))
        .apply("Service", alias("a", "a.example", 2))
        .apply("Service", alias("same", "b.example", 3));
      expect(cluster.answer("www.web.peak")).toBe("b.example");
      expect(cluster.faults()).toEqual([expect.stringMatching(/^Service a: www.web.peak is what Service shop\/b makes it, which is older; beside/)]);
      cluster.remove("Service", "shop", "b").remove("Service", "shop", "same");
      expect(cluster.answer("www.web.peak")).toBe("a.example");
      expect(cluster.faults()).toEqual([]);
    });

    test.each([
      ["has its wildcard", 1, 2, "a.example", /^Service addresses: \*.web.peak is what Service shop\/alias/],
      ["yields", 2, 1, ["fd00::1"], /^Service alias: \*.web.peak is what Service shop\/addresses/],
    ])("%s beside one that gives addresses, by age", (_, aliased, addressed, expected, fault) => {
      const on = (target: string): Record<string, string> => ({ [`${OLD}hostname`]: "*.web.peak", [`${OLD}target`]: target });
      const cluster = new TestInventory()
        .apply("Service", service("alias", {}, { annotations: on("a.example"), created: aliased }))
        .apply("Service", service("addresses", {}, { annotations: on("fd00::1"), created: addressed }));
      expect(cluster.answer("*.web.peak")).toEqual(expected);
      expect(cluster.faults()).toEqual([expect.stringMatching(fault)]);
    });
  });

  test("is told that it has no domain by itself", () => {
    const annotated = new TestInventory().apply("Service", service("web", headless, { annotations: { "dns.peak/domain": "web" } }));
    expect(annotated.faults()).toEqual([expect.stringContaining("annotation dns.peak/domain has no effect on a Service; set it on")]);
    expect(annotated.answer("web.peak")).toBeUndefined();
    const labelled = new TestInventory().apply("Service", service("web", headless, { labels: { "dns.peak/domain": "web" } }));
    expect(labelled.faults()).toEqual([]);
  });

  test.each([
    ["30", 30],
    ["1m30s", 90],
    ["1h", 3600],
  ])("has the TTL %s", (ttl, seconds) => {
    const cluster = apply(headless, { [`${NEW}hostname`]: "web.peak", [`${NEW}ttl`]: ttl });
    cluster.flush();
    expect(cluster.domains.get("web.peak")?.ttl).toEqual({ kind: "fixed", seconds });
  });

  test.each([
    [
      "a name directly below the zone that is an alias",
      { hostname: "web.peak", target: "web.example" },
      /cannot lead to another name: it is delegated/,
    ],
    ["a name elsewhere", { hostname: "web.example" }, /not below the zone peak/],
    ["a TTL that is none", { hostname: "web.peak", ttl: "soon" }, /annotation ttl of external-dns "soon" is ignored/],
    ["a target that is none", { hostname: "web.peak", target: "a_b, fd00::1" }, /target "a_b" is ignored/],
    ["several names as targets", { hostname: "a.web.peak", target: "x.example,y.example" }, /a name can lead to one other name only/],
  ])("says what cannot be: %s", (_, annotations, message) => {
    const cluster = apply(headless, Object.fromEntries(Object.entries(annotations).map(([key, text]) => [OLD + key, text])));
    expect(cluster.faults()).toEqual([expect.stringMatching(message)]);
  });
});
