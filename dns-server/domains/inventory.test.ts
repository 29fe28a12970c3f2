import type { KubernetesObject } from "@kubernetes/client-node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Kind } from "../kubernetes/facts.ts";
import { ingress, node, plain, pod, service, slice, TestInventory, workload, type PodOptions } from "../testing/objects.ts";
import type { Name } from "../wire/name.ts";

const inDomain = (domain: string, options: PodOptions = {}): PodOptions => ({
  ...options,
  annotations: { ...options.annotations, "dns.peak/domain": domain },
});

describe("a pod", () => {
  test.each<[string, PodOptions, string[]]>([
    ["ready", {}, ["fd00::a"]],
    ["not ready", { ready: false }, []],
    ["terminating", { terminating: true }, []],
    ["on a lost node", { node: "lost" }, []],
    ["on a node that does not report", { node: "silent" }, []],
    ["on a node that is there", { node: "fine" }, ["fd00::a"]],
    ["on a node that nobody knows", { node: "unknown" }, ["fd00::a"]],
    ["with an IPv4 address", { ip: "192.0.2.1" }, ["192.0.2.1"]],
  ])("%s", (_, options, expected) => {
    const cluster = new TestInventory()
      .apply("Node", node("fine", "True"))
      .apply("Node", node("lost", "False"))
      .apply("Node", node("silent", "Unknown"));
    expect(cluster.apply("Pod", pod("a", inDomain("web", { ip: "fd00::a", ...options }))).answer("web.peak")).toEqual(expected);
  });

  test("leaves with its node and returns with it", () => {
    const cluster = new TestInventory()
      .apply("Node", node("n", "True"))
      .apply("Pod", pod("a", inDomain("web", { ip: "fd00::a", node: "n" })));
    expect(cluster.answer("web.peak")).toEqual(["fd00::a"]);
    cluster.apply("Node", node("n", "Unknown"));
    expect(cluster.answer("web.peak")).toEqual([]);
    expect(cluster.domains.get("web.peak")?.targets).toMatchObject([{ state: "node lost" }]);
    cluster.apply("Node", node("n", "True"));
    expect(cluster.answer("web.peak")).toEqual(["fd00::a"]);
  });

  test.each<[string, "Unknown" | "False", boolean, number, string]>([
    ["ready by its last word", "Unknown", true, 0, "node lost"],
    ["called not ready when its node was lost", "Unknown", false, 20, "node lost"],
    ["not ready before its node was lost", "Unknown", false, 10, "not ready"],
    ["on a node that says itself that it is not ready", "False", true, 0, "not ready"],
  ])("%s", (_, status, ready, since, expected) => {
    const time = (seconds: number): Date => new Date(1000 * seconds);
    const at = (type: string, state: string, seconds: number): object => ({
      status: { conditions: [{ type, status: state, lastTransitionTime: time(seconds) }] },
    });
    const a = pod("a", inDomain("web", { ip: "fd00::a", node: "n", ready }));
    const conditions = [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: time(since) }];
    const cluster = new TestInventory()
      .apply("Node", plain("n", { namespace: "" }, at("Ready", status, 20)))
      .apply("Pod", { ...a, status: { podIPs: [{ ip: "fd00::a" }], conditions } } as KubernetesObject);
    cluster.flush();
    expect(cluster.domains.get("web.peak")?.targets).toMatchObject([{ state: expected }]);
  });

  test("with a bad domain harms no other", () => {
    const cluster = new TestInventory()
      .apply("Pod", pod("a", inDomain("not a name")))
      .apply("Pod", pod("b", inDomain("web", { ip: "fd00::b" })));
    expect(cluster.answer("web.peak")).toEqual(["fd00::b"]);
    expect(cluster.faults()).toEqual([expect.stringContaining('Pod a: annotation dns.peak/domain "not a name" is ignored')]);
  });

  test("keeps its own label as long as it lives", () => {
    const cluster = new TestInventory();
    const label = (): string | undefined => {
      cluster.flush();
      return cluster.domains.get("web.peak")?.targets[0]?.label;
    };
    cluster.apply("Pod", pod("a", inDomain("web", { ip: "fd00::a" })));
    const first = label();
    expect(first).toMatch(/^[a-z2-7]{10}$/);
    cluster.apply("Pod", pod("a", inDomain("web", { ip: "fd00::b", ready: false })));
    expect(label()).toBe(first);
  });

  test("has the ports of its sidecars behind those of its containers, and none of what runs before them", () => {
    const a = pod("a", inDomain("web", { ip: "fd00::a", ports: { http: 80 } })) as KubernetesObject & { spec: object };
    const container = (name: string, containerPort: number, restartPolicy?: string): object => ({ ports: [{ name, containerPort }], restartPolicy });
    const initContainers = [container("once", 1), container("proxy", 8443, "Always"), container("never", 2, "OnFailure")];
    const cluster = new TestInventory().apply("Pod", { ...a, spec: { ...a.spec, initContainers } } as KubernetesObject);
    cluster.flush();
    expect(cluster.domains.get("web.peak")?.targets).toMatchObject([
      { ports: [{ name: "http" }, { name: "proxy", port: 8443 }], probe: { port: 80 } },
    ]);
  });

  test("belongs to the domain of its namespace", () => {
    const cluster = new TestInventory().apply("Pod", pod("a", { ip: "fd00::a" }));
    expect(cluster.answer("web.peak")).toBeUndefined();
    cluster.apply("Namespace", plain("shop", { namespace: "", labels: { "dns.peak/domain": "web" } }));
    expect(cluster.answer("web.peak")).toEqual(["fd00::a"]);
  });
});

describe("a workload", () => {
  test.each(["Deployment", "StatefulSet", "DaemonSet"] as const)("%s keeps its domain while it has no pods", (kind) => {
    const cluster = new TestInventory().apply(kind, workload("web", {}, { annotations: { "dns.peak/domain": "web" } }));
    expect(cluster.answer("web.peak")).toEqual([]);
    cluster.remove(kind, "shop", "web");
    expect(cluster.answer("web.peak")).toBeUndefined();
  });
});

describe("a domain", () => {
  const claim = (namespace: string, created: number): PodOptions => inDomain("web", { namespace, created, ip: `fd00::${created}` });

  test("belongs to the oldest at first, then to who has it, and then to who is left", () => {
    const cluster = new TestInventory().apply("Pod", pod("a", claim("one", 2))).apply("Pod", pod("b", claim("two", 1)));
    expect(cluster.answer("web.peak")).toEqual(["fd00::1"]);
    expect(cluster.faults()).toEqual([
      "Pod a: web.peak belongs to the namespace two (Pod b), which asked first; choose another name, or remove it there",
    ]);
    // its first pod goes, another one comes: it is still its
    cluster.apply("Pod", pod("c", claim("two", 3))).remove("Pod", "two", "b");
    expect(cluster.answer("web.peak")).toEqual(["fd00::3"]);
    cluster.remove("Pod", "two", "c");
    expect(cluster.answer("web.peak")).toEqual(["fd00::2"]);
    expect(cluster.faults()).toEqual([]);
  });

  describe("below another namespace's", () => {
    const shop = (created = 1): ReturnType<typeof pod> => pod("a", inDomain("shop", { namespace: "one", created, ip: "fd00::a" }));
    const login = (created = 2, domain = "login.shop"): ReturnType<typeof pod> =>
      pod("b", inDomain(domain, { namespace: "two", created, ip: "fd00::b" }));
    const word = (text: string): ReturnType<typeof plain> =>
      plain("one", { namespace: "", annotations: { "dns.peak/allow-below": text } });
    const refused =
      "Pod b: login.shop.peak is below shop.peak, which belongs to the namespace one; choose another name, or have the Namespace one " +
      "annotated with dns.peak/allow-below: two";

    test("needs that one's word, and has it as long as that holds", () => {
      const cluster = new TestInventory().apply("Pod", shop()).apply("Pod", login());
      expect([cluster.answer("shop.peak"), cluster.answer("login.shop.peak")]).toEqual([["fd00::a"], undefined]);
      expect(cluster.faults()).toEqual([refused]);
      cluster.apply("Namespace", word("three, two"));
      expect([cluster.answer("login.shop.peak"), cluster.faults()]).toEqual([["fd00::b"], []]);
      cluster.apply("Namespace", word("three"));
      expect([cluster.answer("login.shop.peak"), cluster.faults()]).toEqual([undefined, [refused]]);
      cluster.apply("Namespace", word("*"));
      expect(cluster.answer("login.shop.peak")).toEqual(["fd00::b"]);
    });

    test("cannot be had by an older object that asks later, nor two labels further down, nor by a wildcard or an alias", () => {
      const cluster = new TestInventory().apply("Pod", shop(5));
      cluster.flush();
      const annotations = { "external-dns.kubernetes.io/hostname": "*.x.shop.peak, www.shop.peak", "external-dns.kubernetes.io/target": "e.example" };
      cluster
        .apply("Pod", login(1, "very.deep.shop"))
        .apply("Service", service("s", {}, { namespace: "two", annotations, created: 1 }));
      expect(["very.deep.shop.peak", "*.x.shop.peak", "www.shop.peak"].map((name) => cluster.answer(name))).toEqual(Array(3).fill(undefined));
      expect(cluster.faults()).toHaveLength(3);
      cluster.apply("Namespace", word("two"));
      expect(cluster.faults()).toEqual([]);
      expect(["very.deep.shop.peak", "*.x.shop.peak", "www.shop.peak"].map((name) => cluster.answer(name))).toEqual([
        ["fd00::b"],
        "e.example",
        "e.example",
      ]);
    });

    test("takes no alias away that it has not the word for", () => {
      const annotations = { "external-dns.kubernetes.io/hostname": "login.shop.peak", "external-dns.kubernetes.io/target": "e.example" };
      const cluster = new TestInventory().apply("Pod", shop()).apply("Service", service("s", {}, { namespace: "one", annotations }));
      const answers = (): unknown[] => ["shop.peak", "login.shop.peak"].map((name) => cluster.answer(name));
      cluster.flush();
      cluster.apply("Pod", login(0));
      expect([answers(), cluster.faults()]).toEqual([[["fd00::a"], "e.example"], [refused]]);
      cluster.apply("Namespace", word("two"));
      expect(answers()).toEqual([["fd00::a"], ["fd00::b"]]);
      expect(cluster.faults()).toEqual([expect.stringMatching(/^Service s: login.shop.peak cannot lead to another name: pods or Services/)]);
      cluster.apply("Namespace", word("three"));
      expect([answers(), cluster.faults()]).toEqual([[["fd00::a"], "e.example"], [refused]]);
    });

    test("is free again when that one's goes, and stays with who was first when that one comes later", () => {
      const cluster = new TestInventory().apply("Pod", shop()).apply("Pod", login());
      cluster.flush();
      cluster.remove("Pod", "one", "a");
      expect([cluster.answer("login.shop.peak"), cluster.faults()]).toEqual([["fd00::b"], []]);
      cluster.apply("Pod", shop(0));
      expect(["shop.peak", "login.shop.peak"].map((name) => cluster.answer(name))).toEqual([["fd00::a"], ["fd00::b"]]);
    });

    test("is the older one's at a start", () => {
      const cluster = new TestInventory().apply("Pod", shop(2)).apply("Pod", login(1));
      expect(["shop.peak", "login.shop.peak"].map((name) => cluster.answer(name))).toEqual([["fd00::a"], ["fd00::b"]]);
    });

    test("is a matter of the Namespace alone, in a form that can be read", () => {
      const cluster = new TestInventory().apply("Namespace", word("T wo")).apply("Pod", shop());
      cluster.apply("Pod", pod("c", inDomain("x", { ip: "fd00::c", annotations: { "dns.peak/allow-below": "two" } })));
      expect(cluster.faults()).toEqual([
        'Namespace one: annotation dns.peak/allow-below "T wo" is ignored: it must be names of namespaces, separated by commas, or * for all',
        "Pod c: annotation dns.peak/allow-below has no effect but on a Namespace",
      ]);
    });
  });

  test("is not the name of one of the cluster's name servers", () => {
    const cluster = new TestInventory()
      .apply("Pod", pod("a", inDomain("ns1.cluster", { ip: "fd00::a" })))
      .apply("Pod", pod("b", inDomain("cluster", { ip: "fd00::b" })));
    expect(cluster.answer("ns1.cluster.peak")).toBeUndefined();
    expect(cluster.answer("cluster.peak")).toEqual(["fd00::b"]);
    expect(cluster.faults()).toEqual(["Pod a: ns1.cluster.peak is the name of a name server of this cluster; choose another name"]);
  });

  test("and its wildcard have one owner", () => {
    const cluster = new TestInventory()
      .apply("Pod", pod("a", claim("one", 1)))
      .apply("Ingress", ingress("i", [{ host: "*.web.peak" }], { namespace: "two", created: 2 }));
    expect(cluster.answer("*.web.peak")).toBeUndefined();
    expect(cluster.faults()).toContainEqual(expect.stringMatching(/^Ingress i: web.peak belongs to the namespace one/));
  });
});

// every kind, names that meet, and every way to be out of order
const NAMESPACES = ["one", "two"];
const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const settings = fc.dictionary(
  oneOf("dns.peak/domain", "dns.peak/ttl", "dns.peak/only-top", "dns.peak/loadbalance", "dns.peak/probe", "dns.peak/wrong"),
  oneOf("web", "api.web", "30", "true", "load", "configmap.c.q", "tcp:80", "off", "?"),
  { maxKeys: 3 },
);
const meta = fc.record({
  namespace: oneOf(...NAMESPACES),
  created: fc.integer({ min: 0, max: 3 }),
  annotations: settings,
  labels: settings,
});
const name = oneOf("a", "b", "c");
const address = fc.integer({ min: 1, max: 9 }).map((n) => `fd00::${n}`);
const flag = fc.boolean();
type Step = {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly object: ReturnType<typeof plain> | undefined;
};
const put = (kind: Kind, object: ReturnType<typeof plain>): Step => ({
  kind,
  namespace: object.metadata!.namespace ?? "",
  name: object.metadata!.name!,
  object,
});
const host = oneOf("web.peak", "*.web.peak", "api.web.peak", "x.web.peak", "other.example", "bad_name", "");
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        name,
        meta,
        ip: address,
        ready: flag,
        terminating: flag,
        node: oneOf("n", "m"),
        controller: oneOf("ReplicaSet/a", "StatefulSet/b", "Job/c"),
        port: oneOf(80, 8080),
      })
      .map(({ name: podName, meta: m, port, ...rest }) => put("Pod", pod(podName, { ...m, ...rest, ports: { http: port } }))),
  },
  fc.tuple(name, meta).map(([n, m]) => put("ReplicaSet", workload(n, { ...m, controller: "Deployment/a" }))),
  fc
    .tuple(oneOf("Deployment" as const, "StatefulSet" as const), name, meta, settings)
    .map(([kind, n, m, annotations]) => put(kind, workload(n, m, { annotations }))),
  fc.tuple(oneOf(...NAMESPACES), settings).map(([n, annotations]) => put("Namespace", plain(n, { namespace: "", annotations }))),
  fc.tuple(oneOf("n", "m"), oneOf("True" as const, "False" as const)).map(([n, ready]) => put("Node", node(n, ready))),
  fc
    .tuple(oneOf(...NAMESPACES), oneOf("load", "other"))
    .map(([namespace, q]) => put("ConfigMap", plain("c", { namespace }, { data: { q } }))),
  fc
    .tuple(oneOf("dns.peak/ingress", "other"), flag)
    .map(([controller]) => put("IngressClass", plain("peak", { namespace: "" }, { spec: { controller } }))),
  fc
    .tuple(name, meta, host, oneOf("/", "/api"), oneOf("a", "b"))
    .map(([n, m, h, path, s]) => put("Ingress", ingress(n, [{ host: h, paths: [{ path, service: s }] }], m))),
  fc.tuple(oneOf("a", "b"), meta, host, oneOf("", "x.example", "fd00::1, fd00::2"), flag).map(([n, m, h, target, headless]) =>
    put(
      "Service",
      service(
        n,
        { clusterIP: headless ? "None" : "fd01::1", clusterIPs: [headless ? "None" : "fd01::1"], ports: [{ port: 80 }] },
        {
          ...m,
          annotations: {
            ...m.annotations,
            "external-dns.alpha.kubernetes.io/hostname": h,
            ...(target === "" ? {} : { "external-dns.kubernetes.io/target": target }),
          },
        },
      ),
    ),
  ),
  fc
    .tuple(name, oneOf(...NAMESPACES), oneOf("a", "b"), fc.dictionary(name, address, { maxKeys: 2 }), oneOf(80, 8080), flag)
    .map(([n, namespace, s, endpoints, port, ready]) => {
      const made = slice(n, s, [{ name: "", port }], endpoints, { ready });
      return put("EndpointSlice", { ...made, metadata: { ...made.metadata!, namespace } });
    }),
  fc
    .tuple(oneOf<Kind>("Pod", "ReplicaSet", "Deployment", "StatefulSet", "Service", "Ingress", "EndpointSlice"), oneOf(...NAMESPACES), name)
    .map(([kind, namespace, n]): Step => ({ kind, namespace, name: n, object: undefined })),
  fc
    .tuple(oneOf<Kind>("Namespace", "Node", "IngressClass"), oneOf(...NAMESPACES, "n", "peak"))
    .map(([kind, n]): Step => ({ kind, namespace: "", name: n, object: undefined })),
);

const steps = (maxLength: number): fc.Arbitrary<Step[]> => fc.array(stepArbitrary, { maxLength, size: "max" });

/** Everything that can be told of an inventory, in an order of its own. */
function state(cluster: TestInventory): unknown {
  cluster.flush();
  const byKey = <T>(entries: Iterable<[string, T]>): [string, T][] => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const domains = byKey(cluster.domains).map(([at, domain]) => [
    at,
    { ...domain, targets: byKey(domain.targets.map((target) => [target.key, target])) },
  ]);
  return { domains, faults: cluster.faults() };
}

const take = (cluster: TestInventory, { kind, namespace, name: n, object }: Step): void => {
  if (object) cluster.apply(kind, object);
  else cluster.remove(kind, namespace, n);
};

describe("after any changes", () => {
  test("the domains are those of a list of what is there, in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(stepArbitrary, flag), { maxLength: 60, size: "max" }), fc.infiniteStream(fc.nat()), (all, random) => {
        const changed = new TestInventory();
        const present = new Map<string, Step>();
        for (const [step, flush] of all) {
          take(changed, step);
          if (flush) changed.flush();
          if (step.object) present.set(`${step.kind}/${step.namespace}/${step.name}`, step);
          else present.delete(`${step.kind}/${step.namespace}/${step.name}`);
        }
        const listed = new TestInventory();
        const order = [...present.values()].map((step) => [random.next().value, step] as const).sort(([a], [b]) => a - b);
        // who has a domain keeps it: the one thing that depends on the past
        const owners = (cluster: TestInventory): string =>
          [
            ...Array.from(cluster.domains, ([at, { namespace }]) => `${at} ${namespace}`),
            ...cluster.faults().flatMap((fault) => /\S+ belongs to the namespace \S+/.exec(fault) ?? []),
          ]
            .sort()
            .join();
        for (const [, step] of order) take(listed, step);
        changed.flush();
        listed.flush();
        fc.pre(owners(changed) === owners(listed));
        expect(state(changed)).toEqual(state(listed));
      }),
      { numRuns: 300 },
    );
  });

  test("an origin has one owner, who keeps it as long as it asks", () => {
    fc.assert(
      fc.property(steps(30), (all) => {
        const cluster = new TestInventory();
        // each namespace as if it were alone
        const alone = new Map(NAMESPACES.map((namespace) => [namespace, new TestInventory()]));
        const ownersOf = ({ domains }: TestInventory): Map<Name, string> =>
          new Map([...domains.values()].map(({ origin, namespace }) => [origin, namespace]));
        for (const step of all) {
          cluster.flush();
          const before = ownersOf(cluster);
          take(cluster, step);
          for (const [namespace, own] of alone) if (step.namespace === "" || step.namespace === namespace) take(own, step);
          cluster.flush();
          for (const { origin, namespace } of cluster.domains.values()) expect(ownersOf(cluster).get(origin)).toBe(namespace);
          for (const [origin, owner] of before) {
            const own = alone.get(owner)!;
            own.flush();
            if (!ownersOf(own).has(origin)) continue;
            // an alias yields to a domain of its own name, and nothing may be left of its origin
            const yielded = [...cluster.inventory.faults.values()].some(
              ({ reason, object }) => reason === "DomainTaken" && object.namespace === owner,
            );
            if (ownersOf(cluster).has(origin) || !yielded) expect(ownersOf(cluster).get(origin)).toBe(owner);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test("nothing is left of what has gone", () => {
    fc.assert(
      fc.property(steps(30), (all) => {
        const cluster = new TestInventory();
        for (const step of all) take(cluster, step);
        cluster.flush();
        for (const step of all) take(cluster, { ...step, object: undefined });
        expect(state(cluster)).toEqual({ domains: [], faults: [] });
      }),
      { numRuns: 100 },
    );
  });
});
