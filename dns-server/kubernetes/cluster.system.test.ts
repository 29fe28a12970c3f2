import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { startApiServer, type ApiServer } from "../../test/harness/api-server.ts";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { addressesIn, ask, eventually } from "../testing/client.ts";
import { examplesIn, guide } from "../testing/documents.ts";

/** A cluster server with the permissions that the guide names, against a real API server. */

let api: ApiServer;
let server: Server;
const folder = mkdtempSync(join(tmpdir(), "peakdns-cluster-"));

/** The rules of the guide, as an operator copies them. */
function documentedRules(): unknown {
  const example = examplesIn(guide).find((found) => "rules" in found);
  if (!example) throw new Error("the guide has no rules");
  return example["rules"];
}

/** A kubeconfig of a service account that may do what is documented. */
async function restrictedKubeconfig(): Promise<string> {
  const core = "/api/v1/namespaces/default/serviceaccounts";
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const metadata = { name: "peakdns" };
  await api.request({ method: "POST", path: core, body: { metadata } });
  await api.request({ method: "POST", path: `${rbac}/clusterroles`, body: { metadata, rules: documentedRules() } });
  await api.request({
    method: "POST",
    path: `${rbac}/clusterrolebindings`,
    body: {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "peakdns" },
      subjects: [{ kind: "ServiceAccount", name: "peakdns", namespace: "default" }],
    },
  });
  const { status } = await api.request<{ status: { token: string } }>({
    method: "POST",
    path: `${core}/peakdns/token`,
    body: { spec: {} },
  });
  const config = parse(api.kubeconfig) as { users: unknown[] };
  return stringify({ ...config, users: [{ name: "test", user: { token: status.token } }] });
}

const post = (path: string, body: object): Promise<unknown> => api.request({ method: "POST", path, body });
const patch = (path: string, body: object): Promise<unknown> => api.request({ method: "PATCH", path, body });
const inShop = (resource: string, group = "/api/v1"): string => `${group}/namespaces/shop/${resource}`;
const networking = "/apis/networking.k8s.io/v1";

async function addPod(name: string, ip: string, metadata: object, spec: object = {}): Promise<void> {
  const container = { name: "main", image: "none", ports: [{ name: "http", containerPort: 80 }] };
  await post(inShop("pods"), { metadata: { name, ...metadata }, spec: { containers: [container], ...spec } });
  await setPod(name, ip, "True");
}

const setPod = (name: string, ip: string, ready: "True" | "False"): Promise<unknown> =>
  patch(inShop(`pods/${name}/status`), {
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [{ type: "Ready", status: ready }] },
  });

const answersOf = async (name: string): Promise<string> => addressesIn(await ask(server.endpoints[0]!, name, "AAAA")).join();
const settles = (name: string, expected: string): Promise<string> =>
  eventually(
    () => answersOf(name),
    (found) => found === expected,
    800,
  );

interface Event {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

async function eventsOf(kind: string, name: string): Promise<Event[]> {
  const { items } = await api.request<{ items: Event[] }>({ path: "/apis/events.k8s.io/v1/events" });
  return items.filter(({ regarding }) => regarding.kind === kind && regarding.name === name);
}

beforeAll(async () => {
  api = await startApiServer();
  await post("/api/v1/namespaces", { metadata: { name: "shop" } });
  await post("/api/v1/namespaces", { metadata: { name: "rival" } });
  writeFileSync(join(folder, "kubeconfig"), await restrictedKubeconfig());
  const config = {
    role: "cluster",
    listen: ["[::1]:0"],
    zone: "peak",
    kubernetes: { kubeconfig: "kubeconfig" },
    nameServers: [{ name: "ns1.cluster.peak", addresses: ["fd00::53"] }],
  };
  server = await startServer(parseConfig(JSON.stringify(config), join(folder, "peakdns.yaml")));
});

afterAll(async () => {
  await server?.close();
  await api?.stop();
  rmSync(folder, { recursive: true });
});

test("the API server takes every object in the guide", async () => {
  const paths: Record<string, string> = {
    Deployment: inShop("deployments", "/apis/apps/v1"),
    Ingress: inShop("ingresses", networking),
    Service: inShop("services"),
    Namespace: "/api/v1/namespaces",
  };
  const objects = examplesIn(guide).filter((example) => "kind" in example);
  expect(objects.length).toBeGreaterThan(3);
  for (const { metadata, ...object } of objects) {
    const named = { ...(metadata as object), name: "guide" };
    const path = `${paths[String(object["kind"])]}?dryRun=All&fieldValidation=Strict`;
    await post(path, { ...object, metadata: named });
  }
});

describe("a cluster server", () => {
  test("follows pods and nodes", async () => {
    await post("/api/v1/nodes", { metadata: { name: "n1" } });
    // probes would find nobody at these addresses
    const annotations = { "dns.peak/domain": "web", "dns.peak/probe": "off" };
    await addPod("a", "fd00::a", { annotations }, { nodeName: "n1" });
    await addPod("b", "fd00::b", { annotations });
    await settles("web.peak", "fd00::a,fd00::b");
    await setPod("b", "fd00::b", "False");
    await settles("web.peak", "fd00::a");
    const ready = (status: string): object => ({ status: { conditions: [{ type: "Ready", status }] } });
    await setPod("b", "fd00::b", "True");
    await settles("web.peak", "fd00::a,fd00::b");
    await patch("/api/v1/nodes/n1/status", ready("Unknown"));
    await settles("web.peak", "fd00::b");
    // what was given before is better than nothing
    await setPod("b", "fd00::b", "False");
    await settles("web.peak", "fd00::a");
    await patch("/api/v1/nodes/n1/status", ready("True"));
    await setPod("b", "fd00::b", "True");
    await settles("web.peak", "fd00::a,fd00::b");
    await api.request({ method: "DELETE", path: inShop("pods/b"), body: { gracePeriodSeconds: 0 } });
    await settles("web.peak", "fd00::a");
  });

  test("serves an Ingress, gives it its status, and tells what DNS cannot do", async () => {
    await post(`${networking}/ingressclasses`, { metadata: { name: "peak" }, spec: { controller: "dns.peak/ingress" } });
    await post(inShop("services"), {
      metadata: { name: "web" },
      spec: { clusterIP: "None", ipFamilies: ["IPv6"], ports: [{ name: "http", port: 80 }], selector: { app: "web" } },
    });
    await post(inShop("endpointslices", "/apis/discovery.k8s.io/v1"), {
      metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv6",
      ports: [{ name: "http", port: 80 }],
      endpoints: [{ addresses: ["fd00::a"], conditions: { ready: true }, targetRef: { kind: "Pod", name: "a", namespace: "shop" } }],
    });
    const backend = { service: { name: "web", port: { name: "http" } } };
    const rule = (host: string, path: string): object => ({ host, http: { paths: [{ path, pathType: "Prefix", backend }] } });
    await post(inShop("ingresses", networking), {
      metadata: { name: "shop" },
      spec: { ingressClassName: "peak", rules: [rule("shop.peak", "/"), rule("*.all.peak", "/"), rule("api.peak", "/api")] },
    });
    await settles("shop.peak", "fd00::a");
    await settles("any.all.peak", "fd00::a");
    const status = async (): Promise<unknown> =>
      (await api.request<{ status: { loadBalancer: unknown } }>({ path: inShop("ingresses/shop", networking) })).status.loadBalancer;
    await eventually(status, (found) => JSON.stringify(found) === '{"ingress":[{"hostname":"shop.peak"},{"hostname":"api.peak"}]}', 800);
    const events = await eventually(
      () => eventsOf("Ingress", "shop"),
      ({ length }) => length > 0,
      800,
    );
    expect(events).toMatchObject([{ reason: "Unsupported", note: expect.stringContaining("host api.peak: DNS knows no paths") }]);
  });

  test("refuses a domain that belongs to another namespace, and says so", async () => {
    await post("/api/v1/namespaces/rival/pods", {
      metadata: { name: "r", annotations: { "dns.peak/domain": "web", "dns.peak/ttl": "soon" } },
      spec: { containers: [{ name: "main", image: "none" }] },
    });
    const events = await eventually(
      () => eventsOf("Pod", "r"),
      ({ length }) => length === 2,
      800,
    );
    expect(events.map(({ note }) => note).sort()).toEqual([
      expect.stringContaining('annotation dns.peak/ttl "soon" is ignored'),
      expect.stringContaining("web.peak belongs to the namespace shop (Pod a)"),
    ]);
    expect(await answersOf("web.peak")).toBe("fd00::a");
  });

  test("serves the last view while the API is away, then goes on", async () => {
    await api.suspend();
    expect(await answersOf("web.peak")).toBe("fd00::a");
    await api.resume();
    await addPod("c", "fd00::c", { annotations: { "dns.peak/domain": "web", "dns.peak/probe": "off" } });
    await settles("web.peak", "fd00::a,fd00::c");
    expect(await answersOf("shop.peak")).toBe("fd00::a");
  });
});
