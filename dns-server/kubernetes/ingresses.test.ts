import { describe, expect, test } from "vitest";
import { ingress, node, plain, pod, service, slice, TestInventory, type RuleOptions } from "../testing/objects.ts";

/** A Service `web` (80 -> 80, named http) with the ready pods a and b. */
function withService(): TestInventory {
  return new TestInventory()
    .apply(
      "Service",
      service("web", { clusterIP: "fd01::1", clusterIPs: ["fd01::1"], ports: [{ name: "http", port: 80, targetPort: 80 }] }),
    )
    .apply("EndpointSlice", slice("web-1", "web", [{ name: "http", port: 80 }], { a: "fd00::a", b: "fd00::b" }, { ready: true }))
    .apply("Pod", pod("a", { ip: "fd00::a", ports: { http: 80 } }))
    .apply("Pod", pod("b", { ip: "fd00::b", node: "n" }));
}

describe("an Ingress", () => {
  test("makes its hosts names of the ready endpoints, and puts them into its status", () => {
    const cluster = withService().apply(
      "Ingress",
      ingress("i", [{ host: "web.peak" }, { host: "*.shop.peak", paths: [{ port: "http" }] }]),
    );
    expect(cluster.answer("web.peak")).toEqual(["fd00::a", "fd00::b"]);
    expect(cluster.answer("*.shop.peak")).toEqual(["fd00::a", "fd00::b"]);
    expect(cluster.faults()).toEqual([]);
    expect(cluster.inventory.ingressStatus("shop/i")).toEqual({ hosts: ["web.peak"], published: [] });
  });

  test.each<[string, (cluster: TestInventory) => unknown, string[]]>([
    ["a pod that is not ready", (cluster) => cluster.apply("Pod", pod("a", { ip: "fd00::a", ready: false })), ["fd00::b"]],
    ["a pod that ends", (cluster) => cluster.apply("Pod", pod("a", { ip: "fd00::a", terminating: true })), ["fd00::b"]],
    ["a node that is lost", (cluster) => cluster.apply("Node", node("n", "Unknown")), ["fd00::a"]],
    [
      "an endpoint that the slice says is not ready",
      (cluster) => cluster.apply("EndpointSlice", slice("web-1", "web", [{ name: "http", port: 80 }], { a: "fd00::a" }, { ready: false })),
      [],
    ],
    [
      "an endpoint that the slice says is terminating",
      (cluster) =>
        cluster.apply(
          "EndpointSlice",
          slice("web-1", "web", [{ name: "http", port: 80 }], { a: "fd00::a" }, { ready: true, terminating: true }),
        ),
      [],
    ],
    ["a slice that is gone", (cluster) => cluster.remove("EndpointSlice", "shop", "web-1"), []],
    ["a pod that is gone, or was evicted, before its slice hears of it", (cluster) => cluster.remove("Pod", "shop", "a"), ["fd00::b"]],
    [
      "the next pod of a name while its slice has the address of the one before",
      (cluster) => cluster.apply("Pod", pod("a", { ip: "fd00::a2" })),
      ["fd00::b"],
    ],
    [
      "a slice that names the next pod's address beside the old one",
      (cluster) =>
        cluster
          .apply("EndpointSlice", slice("web-2", "web", [{ name: "http", port: 80 }], { a: "fd00::a2" }, { ready: true }))
          .apply("Pod", pod("a", { ip: "fd00::a2" })),
      ["fd00::a2", "fd00::b"],
    ],
  ])("follows %s", (_, change, expected) => {
    const cluster = withService().apply("Ingress", ingress("i", [{ host: "web.peak" }]));
    cluster.flush();
    change(cluster);
    expect(cluster.answer("web.peak")).toEqual(expected);
  });

  test("joins slices of both families, and takes only those of its port", () => {
    const cluster = withService()
      .apply("Pod", pod("a", { ip: "fd00::a", ip4: "192.0.2.1", ports: { http: 80 } }))
      .apply("EndpointSlice", slice("web-2", "web", [{ name: "http", port: 80 }], { a: "192.0.2.1" }))
      .apply("EndpointSlice", slice("web-3", "web", [{ name: "admin", port: 9000 }], { c: "fd00::c" }))
      .apply("Ingress", ingress("i", [{ host: "web.peak" }]));
    expect(cluster.answer("web.peak")).toEqual(["192.0.2.1", "fd00::a", "fd00::b"]);
    expect(cluster.domains.get("web.peak")?.targets.find(({ name }) => name === "a")?.label).toBeDefined();
  });

  test("is ours by the controller of its class, or by the name of the class", () => {
    const cluster = withService().apply("Ingress", ingress("i", [{ host: "web.peak" }], {}, { ingressClassName: "edge" }));
    expect(cluster.answer("web.peak")).toBeUndefined();
    expect(cluster.inventory.ingressStatus("shop/i")).toBeUndefined();
    const spec = (controller: string): object => ({ spec: { controller } });
    cluster.apply("IngressClass", plain("edge", { namespace: "" }, spec("dns.peak/ingress")));
    expect(cluster.answer("web.peak")).toEqual(["fd00::a", "fd00::b"]);
    cluster.apply("IngressClass", plain("edge", { namespace: "" }, spec("k8s.io/ingress-nginx")));
    expect(cluster.answer("web.peak")).toBeUndefined();
  });

  test("takes settings from itself, its Service and its namespace", () => {
    const cluster = withService()
      .apply("Namespace", plain("shop", { namespace: "", annotations: { "dns.peak/ttl": "1", "dns.peak/loadbalance": "q" } }))
      .apply("Ingress", ingress("i", [{ host: "web.peak" }], { annotations: { "dns.peak/ttl": "7" } }));
    cluster.flush();
    expect(cluster.domains.get("web.peak")).toMatchObject({ ttl: { kind: "fixed", seconds: 7 }, steering: { query: "q" } });
  });

  test("says how its endpoints are probed, where their pods do not; else they are at its port", () => {
    const probes = (annotations: Record<string, string>, onPod: Record<string, string> = {}): unknown => {
      const cluster = withService()
        .apply("Pod", pod("a", { ip: "fd00::a", annotations: onPod, ports: { metrics: 9090, http: 80 } }))
        .apply("Ingress", ingress("i", [{ host: "web.peak" }], { annotations }));
      cluster.flush();
      return cluster.domains.get("web.peak")?.targets.map(({ probe }) => probe);
    };
    const tcp = (port: number): object => ({ kind: "tcp", port });
    expect(probes({})).toEqual([tcp(80), tcp(80)]);
    expect(probes({ "dns.peak/probe": "tcp:81" })).toEqual([tcp(81), tcp(81)]);
    expect(probes({ "dns.peak/probe": "off" }, { "dns.peak/probe": "tcp:82" })).toEqual([tcp(82), undefined]);
  });

  const web = "web.peak";
  test.each<[string, readonly RuleOptions[], object, Record<string, string>, string[] | undefined, RegExp]>([
    ["a path", [{ host: web, paths: [{ path: "/api" }] }], {}, {}, ["fd00::a", "fd00::b"], /DNS knows no paths, so \/api cannot/],
    ["an exact path", [{ host: web, paths: [{ pathType: "Exact" }] }], {}, {}, ["fd00::a", "fd00::b"], /so \/ \(Exact\) cannot/],
    [
      "a path beside the root",
      [{ host: web, paths: [{ path: "/x", service: "none" }, {}] }],
      {},
      {},
      ["fd00::a", "fd00::b"],
      /leads to the Service web; give each path/,
    ],
    [
      "two backends",
      [
        { host: web, paths: [{}] },
        { host: web, paths: [{ service: "other" }] },
      ],
      {},
      {},
      ["fd00::a", "fd00::b"],
      /more than one backend; other gets nothing/,
    ],
    [
      "a rewrite",
      [{ host: web }],
      {},
      { "nginx.ingress.kubernetes.io/rewrite-target": "/" },
      ["fd00::a", "fd00::b"],
      /annotations nginx.ingress.kubernetes.io\/rewrite-target have no effect/,
    ],
    ["a rewrite of another controller", [{ host: web }], {}, { "nginx.org/rewrites": "x" }, ["fd00::a", "fd00::b"], /nginx.org\/rewrites/],
    ["TLS", [{ host: web }], { tls: [{ hosts: [web] }] }, {}, ["fd00::a", "fd00::b"], /TLS ends in the pods/],
    [
      "a default backend",
      [{ host: web }],
      { defaultBackend: { service: { name: "web" } } },
      {},
      ["fd00::a", "fd00::b"],
      /spec.defaultBackend has no effect/,
    ],
    [
      "a default backend that is no Service",
      [{ host: web, paths: [] }],
      { defaultBackend: { resource: { kind: "Bucket", name: "b" } } },
      {},
      [],
      /host web.peak has no Service as its backend/,
    ],
    ["no host", [{}], {}, {}, undefined, /a rule without a host has no effect/],
    ["a host elsewhere", [{ host: "web.example" }], {}, {}, undefined, /"web.example" is not below the zone peak/],
    ["all of the zone", [{ host: "*.peak" }], {}, {}, undefined, /"\*.peak" is not at least two labels below/],
    ["no host name", [{ host: "a_b.peak" }], {}, {}, undefined, /is no host name/],
    ["no such Service", [{ host: web, paths: [{ service: "none" }] }], {}, {}, [], /there is no Service none in the namespace shop/],
    ["no such port", [{ host: web, paths: [{ port: 81 }] }], {}, {}, [], /has no port "81"; it has 80 \(http\)/],
  ])("says what DNS cannot do: %s", (_, rules, spec, annotations, expected, message) => {
    const cluster = withService().apply("Ingress", ingress("i", rules, { annotations }, spec));
    expect(cluster.answer("web.peak")).toEqual(expected);
    expect(cluster.faults()).toEqual([expect.stringMatching(message)]);
    expect(cluster.faults()[0]).toMatch(/^Ingress i: /);
  });

  test("gives a host without paths its default backend, and no ExternalName", () => {
    const cluster = withService();
    const spec = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
    cluster.apply("Ingress", ingress("i", [{ host: web, paths: [] }], {}, spec));
    expect([cluster.answer(web), cluster.faults()]).toEqual([["fd00::a", "fd00::b"], []]);
    cluster.apply("Service", service("web", { type: "ExternalName", externalName: "web.example", ports: [{ port: 80 }] }));
    expect(cluster.answer(web)).toEqual([]);
    expect(cluster.faults()).toEqual([expect.stringContaining("the Service web is another name (ExternalName)")]);
  });

  test("says that ports are not translated", () => {
    const cluster = withService()
      .apply("EndpointSlice", slice("web-1", "web", [{ name: "http", port: 8080 }], { a: "fd00::a" }))
      .apply("Ingress", ingress("i", [{ host: "web.peak" }]));
    expect(cluster.answer("web.peak")).toEqual(["fd00::a"]);
    expect(cluster.faults()).toEqual([expect.stringContaining("clients find the pods at port 8080, not at 80 of the Service web")]);
  });

  describe("that has its host in common with another one", () => {
    const other = (cluster: TestInventory, path: string, created: number): TestInventory =>
      cluster
        .apply("Service", service("api", { clusterIP: "fd01::2", clusterIPs: ["fd01::2"], ports: [{ name: "http", port: 80 }] }))
        .apply("Pod", pod("c", { ip: "fd00::c" }))
        .apply("EndpointSlice", slice("api-1", "api", [{ name: "http", port: 80 }], { c: "fd00::c" }))
        .apply("Ingress", ingress("j", [{ host: web, paths: [{ path, service: "api" }] }], { created }));
    const status = ({ inventory }: TestInventory): unknown[] => ["i", "j"].map((name) => inventory.ingressStatus(`shop/${name}`)?.hosts);
    const first = (path = "/"): TestInventory => withService().apply("Ingress", ingress("i", [{ host: web, paths: [{ path }] }], { created: 5 }));

    test.each([
      ["a path of it, in an Ingress of its own", "/api", 9],
      ["an older one that wants a path only", "/api", 1],
      ["what cert-manager makes for HTTP-01", "/.well-known/acme-challenge/x", 9],
      ["one that is younger", "/", 9],
    ])("keeps it from %s", (_, path, created) => {
      const cluster = other(first(), path, created);
      expect(cluster.answer(web)).toEqual(["fd00::a", "fd00::b"]);
      const why = path === "/" ? "is older" : "asks for all of it";
      expect(cluster.faults()).toEqual([expect.stringContaining(`Ingress j: web.peak is what Ingress shop/i makes it, which ${why}; DNS knows`)]);
      expect(status(cluster)).toEqual([[web], []]);
    });

    test.each([
      ["is older", "/", 1],
      ["is older, and both want a path only", "/api", 1],
    ])("yields to one that %s, and has it again when that one goes", (_, path, created) => {
      const cluster = other(first(path === "/" ? "/" : "/x"), path, created);
      expect(cluster.answer(web)).toEqual(["fd00::c"]);
      expect(status(cluster)).toEqual([[], [web]]);
      expect(cluster.faults().join("\n")).toMatch(/Ingress i: web.peak is what Ingress shop\/j makes it, which is older/);
      cluster.remove("Ingress", "shop", "j");
      expect(cluster.answer(web)).toEqual(["fd00::a", "fd00::b"]);
      expect(status(cluster)[0]).toEqual([web]);
    });

    test("has it for itself among pods and Services too, the older first", () => {
      const annotations = { "external-dns.kubernetes.io/hostname": web, "external-dns.kubernetes.io/target": "fd00::9" };
      const cluster = first().apply("Service", service("s", {}, { annotations, created: 7 }));
      cluster.apply("Pod", pod("d", { ip: "fd00::d", annotations: { "dns.peak/domain": "web" }, created: 8 }));
      expect(cluster.answer(web)).toEqual(["fd00::a", "fd00::b"]);
      expect(cluster.faults()).toEqual([expect.stringMatching(/^Pod d: .* an Ingress has its host/), expect.stringMatching(/^Service s: /)]);
      cluster.apply("Service", service("s", {}, { annotations, created: 2 }));
      expect(cluster.answer(web)).toEqual(["fd00::9", "fd00::d"]);
      expect(cluster.faults()).toEqual([expect.stringMatching(/^Ingress i: web.peak is what Service shop\/s makes it, which is older/)]);
    });
  });

  test("of another namespace gets neither the name nor the status", () => {
    const cluster = withService()
      .apply("Ingress", ingress("i", [{ host: "web.peak" }], { created: 1 }))
      .apply("Ingress", ingress("j", [{ host: "web.peak" }], { created: 2, namespace: "other" }));
    cluster.flush();
    expect(cluster.inventory.ingressStatus("shop/i")?.hosts).toEqual(["web.peak"]);
    expect(cluster.inventory.ingressStatus("other/j")?.hosts).toEqual([]);
    expect(cluster.faults()).toContainEqual(expect.stringContaining("Ingress j: web.peak belongs to the namespace shop (Ingress i)"));
  });
});
