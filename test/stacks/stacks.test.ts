import { beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../dns-server/config/config.ts";
import { nodePackages } from "../../hardware/node-packages.ts";
import type { KubernetesObject } from "../../policy/kubernetes.ts";
import { resourcePolicies, stackPolicies } from "../../policy/policies.ts";
import { runStack, type Registered } from "./mocks.ts";

/** How many resources of each type there are, components left out. */
function counts(resources: Registered[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { type } of resources) if (!type.startsWith("peak:")) found[type] = (found[type] ?? 0) + 1;
  return found;
}

/** Of a pod, what is mounted where. */
interface PodSpec {
  volumes: { name: string }[];
  containers: { volumeMounts: { name: string; mountPath: string }[] }[];
}

/** Inputs with what the engine would keep encrypted in plain. */
function plain<T = Record<string, unknown>>(inputs: Record<string, unknown>): T {
  return JSON.parse(JSON.stringify(inputs), (_, value: unknown) =>
    (value !== null && typeof value === "object" && "4dabf18193072939515e22adb298388d" in value ? (value as unknown as { value: unknown }).value : value)) as T;
}

/** Names of the services that components/service/services.ts has. */
const services = (resources: Registered[]) => resources.filter(({ type }) => type === "peak:service:Service").map(({ name }) => name);

describe.each([
  ["local", { nodes: 3, clients: 2 }],
  ["pi-testbed", { nodes: 12, clients: 10 }],
  ["minikube", { nodes: 0, clients: 0 }],
])("the stack %s", (stack, { nodes, clients }) => {
  let resources: Registered[];
  let outputs: Record<string, unknown>;
  beforeAll(async () => ({ resources, outputs } = await runStack(stack)));

  const named = (type: string, name: string) => resources.find((resource) => resource.type === type && resource.name === name)!;
  const deployment = (name: string) => named("kubernetes:apps/v1:Deployment", name).inputs["spec"] as Record<string, never>;

  test("has its machines", () => {
    expect(outputs["nodes"]).toHaveLength(nodes);
    expect(outputs["clients"]).toHaveLength(clients);
    expect(resources.filter(({ type }) => type === "peak:cluster:Worker")).toHaveLength(nodes);
  });

  test("has no component that itself waits for something: when that failed, the engine would end the whole update", () => {
    expect(resources.filter(({ type, dependencies }) => type.startsWith("peak:") && dependencies.length > 0)).toEqual([]);
    expect(resources.some(({ dependencies }) => dependencies.length > 0)).toBe(true);
  });

  test("has two root servers on hosts of their own, and two servers of the cluster", () => {
    const servers = resources.filter(({ type }) => type === "peak:peakdns:Server").map(({ name }) => name);
    expect(servers.filter((name) => name.startsWith("peakdns-root"))).toHaveLength(nodes === 0 ? 1 : 2);
    expect(servers.filter((name) => name.startsWith("peakdns-cluster"))).toHaveLength(nodes === 0 ? 1 : 2);
  });

  /** PeakDNS's configurations, by the start of the server's name. */
  const configs = (start: string) => resources
    .filter(({ type, name }) => type === "kubernetes:core/v1:Secret" && name.startsWith(start))
    .map(({ inputs }) => parseConfig(plain<{ stringData: Record<string, string> }>(inputs).stringData["config.yaml"]!, "config.yaml"));

  test("clusters register themselves with the primary, which lets them; the secondary follows it", () => {
    const [primary, secondary] = configs("peakdns-root");
    if (primary?.role !== "root") throw new Error("the first root server is no primary");
    expect(primary.delegations).toEqual({});
    expect(secondary?.role).toBe(nodes === 0 ? undefined : "secondary");
    for (const cluster of configs("peakdns-cluster")) {
      if (cluster.role !== "cluster") throw new Error("a cluster's server has another role");
      expect(primary.listen).toContainEqual(nodes === 0 ? { address: "::", port: 53 } : cluster.register!.servers[0]);
      expect(primary.updates!.grants).toMatchObject([{ key: cluster.register!.key.name, delegateTo: cluster.nameServers.map(({ name }) => name) }]);
    }
  });

  test("Prometheus is there, and cluster servers ask it", () => {
    expect(deployment("monitoring-prometheus")).toBeDefined();
    for (const cluster of configs("peakdns-cluster")) {
      expect(cluster).toMatchObject({ prometheus: { url: expect.stringMatching(/^http:\/\/\[fd.*\]:9090$/) as string } });
    }
  });

  test("echo's pods carry the name that leads to them, and need no Kubernetes Service", () => {
    const { template } = deployment("echo") as unknown as { template: { metadata: { labels: Record<string, string> } } };
    expect(template.metadata.labels["dns.peak/domain"]).toBe("echo");
    const services = resources.filter(({ type }) => type === "kubernetes:core/v1:Service").map(({ name }) => name);
    expect(services).not.toContain("echo");
  });

  test("images are built once each, and pods run what was built", () => {
    const images = resources.filter(({ type }) => type === "peak:images:Image").map(({ name }) => name).sort();
    expect(images).toEqual([...(nodes === 0 ? [] : ["cluster-coredns"]), "peakdns-image", "prometheus-image", ...services(resources).map((name) => `${name}-image`)].sort());
    for (const { inputs } of resources.filter(({ type }) => type === "kubernetes:apps/v1:Deployment")) {
      const { template } = inputs["spec"] as { template: { spec: { containers: { image: string }[] } } };
      for (const { image } of template.spec.containers) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
    }
  });

  test("every object of Kubernetes belongs to the project", () => {
    for (const { type, inputs } of resources.filter(({ type }) => type.startsWith("kubernetes:") && !type.endsWith("Patch"))) {
      const { annotations } = inputs["metadata"] as { annotations: Record<string, string> };
      expect(annotations, type).toMatchObject({ "pulumi.com/patchFieldManager": "peak" });
      expect(annotations, type).not.toHaveProperty(["pulumi.com/patchForce"]);
    }
  });

  test("keys hang on nothing that the code around them, Node or the toolchain decides", () => {
    const inputs = (type: string) => new Set(resources.filter((resource) => resource.type === type).map(({ inputs }) => JSON.stringify(inputs)));
    expect([...inputs("tls:index/privateKey:PrivateKey")].sort()).toEqual(
      nodes === 0 ? ['{"algorithm":"ED25519"}'] : ['{"algorithm":"ECDSA","ecdsaCurve":"P256"}', '{"algorithm":"ED25519"}']);
    for (const password of inputs("random:index/randomPassword:RandomPassword")) expect(password).toMatch(/^{"length":\d+,"special":false}$/);
  });

  test("no command is given what it printed before: that may be a key, and an environment is no place for it", () => {
    // The versions of Debian's packages are no secret, and stay as they are while Debian cannot be asked.
    const commands = resources.filter(({ type, name }) => type.startsWith("command:") && name !== "base-image");
    for (const { name, inputs } of commands) expect(inputs["addPreviousOutputInEnv"], name).toBe(false);
  });

  test("a cluster has an identity of its own, so that a new authority or address replaces none of its objects", () => {
    const provider = resources.find(({ type }) => type === "pulumi:providers:kubernetes")!;
    expect(provider.inputs["clusterIdentifier"]).toBe(nodes === 0 ? "minikube" : `${stack}/cluster/uuid`);
    expect(provider.inputs).not.toHaveProperty("upsertExistingObjects");
  });

  test("keeps every policy", () => {
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs as KubernetesObject);
    expect(resourcePolicies.flatMap(({ violations }) => objects.flatMap(violations))).toEqual([]);
    expect(stackPolicies.flatMap(({ stackViolations }) => stackViolations(objects))).toEqual([]);
  });

  test("whom a DNS server refuses outlives its container, and its pod where it has a volume", () => {
    const servers = resources.filter(({ type, name }) => type === "kubernetes:apps/v1:Deployment" && name.startsWith("peakdns-"));
    expect(servers.length).toBeGreaterThan(1);
    for (const { name, inputs } of servers) {
      const { volumes, containers: [container] } = (inputs as unknown as { spec: { template: { spec: PodSpec } } }).spec.template.spec;
      const { refusals } = configs(name)[0]!;
      const mount = container!.volumeMounts.find(({ mountPath }) => refusals?.startsWith(`${mountPath}/`));
      const kept = name.startsWith("peakdns-root") ? "persistentVolumeClaim" : "emptyDir";
      expect(volumes.find((volume) => volume.name === mount?.name), name).toHaveProperty(kept);
    }
  });

  test("its outputs name the servers and the services", () => {
    expect(outputs).toMatchObject({ rootDns: { port: 53 }, names: expect.arrayContaining(["echo.peak."]) as string[], services: { echo: "http://echo.peak/" } });
  });
});

describe("what differs", () => {
  test("local makes its hosts; pi-testbed finds them; everything from SSH on is the same", async () => {
    const { resources } = await runStack("local");
    const local = counts(resources);
    const testbed = counts((await runStack("pi-testbed")).resources);
    // A node: its network, container runtime, worker and membership. Besides: etcd, control plane with its bindings, registry, resolver, a
    // volume for each root server. A client that is a machine: its resolver.
    expect(local["command:remote:Command"]).toBe(3 * 4 + 7);
    expect(testbed["command:remote:Command"]).toBe(12 * 4 + 7 + 10);
    // Of DNS servers four, and CoreDNS and Prometheus.
    expect(local["kubernetes:apps/v1:Deployment"]).toBe(6 + services(resources).length);
    expect(testbed["kubernetes:apps/v1:Deployment"]).toBe(6 + services(resources).length);
  });

  test.each(["local", "pi-testbed"])("the nodes of %s are made with every Debian package that a set-up installs", async (stack) => {
    const { resources } = await runStack(stack);
    const installed = new Set<string>();
    for (const { inputs } of resources.filter(({ type }) => type === "command:remote:Command")) {
      const list = /^install_packages ('.*)$/m.exec(String(plain(inputs)["stdin"]))?.[1] ?? "";
      for (const [, name] of list.matchAll(/'([^']+)'/g)) installed.add(name!);
    }
    expect(installed).toContain("runc");
    expect([...installed].filter((name) => !nodePackages.includes(name))).toEqual([]);
  });

  test("minikube touches no machine", async () => {
    const { resources } = await runStack("minikube");
    expect(counts(resources)["command:remote:Command"]).toBeUndefined();
    const provider = resources.find(({ type }) => type === "pulumi:providers:kubernetes")!;
    expect(provider.inputs).toMatchObject({ context: "minikube" });
    // The configuration of a DNS server has the addresses of both Services: neither can wait for its pods.
    const services = resources.filter(({ type, name }) => type === "kubernetes:core/v1:Service" && name.startsWith("peakdns-"));
    expect(services.map(({ inputs }) => inputs["metadata"])).toEqual(Array(2).fill(expect.objectContaining({
      annotations: expect.objectContaining({ "pulumi.com/skipAwait": "true" }) as object,
    })));
  });
});

describe("the hardware of the testbed", () => {
  const records = (resources: Registered[]) => new Map(resources.filter(({ type }) => type === "pulumi:index:Stash").map(({ name, inputs }) => [name, inputs["input"]]));

  test("is a resource for the switch, and two for each board: what it is, and what it boots", async () => {
    const { resources } = await runStack("pi-testbed");
    const found = records(resources);
    expect(found.size).toBe(1 + 22 * 2);
    expect(found.get("switch1")).toMatchObject({ budgetWatts: 400, uplink: 25 });
    expect(found.get("service1")).toMatchObject({ model: "raspberry-pi-5-16gb", port: "switch1/3", place: "3/3", role: "service" });
    expect(JSON.stringify(found.get("service1-media"))).toMatch(/^{"4dabf18193072939515e22adb298388d":/);
    expect(found.get("service1-media")).toMatchObject({ value: { "user-data": expect.stringContaining("service1-host-key") as string } });
  });

  test("is none of the other stacks' business", async () => expect(records((await runStack("local")).resources).size).toBe(0));
});

describe("while keys are rotated", () => {
  const steps = ["", "1,2", "2,1", "2"];
  const runs = new Map<string, Registered[]>();
  beforeAll(async () => {
    for (const step of steps) {
      const keys = step === "" ? "" : ["kubernetes", "etcd", "registry", "tokens", "dns"].map((name) => `${name}=${step}`).join(" ");
      runs.set(step, (await runStack("local", { "peak:keys": keys })).resources);
    }
  });
  /** All that a set-up brings to its host. */
  const setup = (step: string, name: string) => {
    const { stdin } = runs.get(step)!.find((resource) => resource.type === "command:remote:Command" && resource.name === name)!.inputs;
    return plainText(stdin);
  };
  const between = (text: string, path: string) => text.split(`put '${path}'`)[1]!.split("\nput ")[0]!;

  test.each([
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/ca.crt"],
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/etcd-ca.crt"],
    ["cluster-etcd-pi1", "/etc/peak/etcd/ca.crt"],
    ["cluster-pi2-worker", "/etc/peak/worker/ca.crt"],
    ["cluster-pi2-containerd", "/etc/peak/containerd/certs.d/registry.peak.internal:5000/ca.crt"],
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/tokens.pub"],
  ])("%s trusts in %s what the step says", (name, path) => {
    const trusted = steps.map((step) =>
      between(setup(step, name), path).match(/(CERTIFICATE|PUBLIC KEY) [\w-]+/g)!.map((line) => (line.endsWith("-2") ? 2 : 1)));
    expect(trusted).toEqual([[1], [1, 2], [1, 2], [2]]);
  });

  test.each([
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/apiserver.crt"],
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/etcd-client.key"],
    ["cluster-control-plane-pi1", "/etc/peak/kubernetes/tokens.key"],
    ["cluster-etcd-pi1", "/etc/peak/etcd/server.crt"],
    ["cluster-pi2-worker", "/etc/peak/worker/kubelet.key"],
    ["cluster-registry-pi1", "/etc/peak/registry/server.key"],
  ])("%s uses in %s what the step says", (name, path) => {
    const used = steps.map((step) => (/(CERTIFICATE|KEY) \S+-2'?\s/.test(`${between(setup(step, name), path)}\n`) ? 2 : 1));
    expect(used).toEqual([1, 1, 2, 2]);
  });

  test("the registry knows the users of both passwords", () => {
    const users = steps.map((step) => between(setup(step, "cluster-registry-pi1"), "/etc/peak/registry/htpasswd").match(/peak(-2)?(?=:)/g));
    expect(users).toEqual([["peak"], ["peak", "peak-2"], ["peak", "peak-2"], ["peak-2"]]);
  });

  test("what was there is named as before: no step makes a key anew that is still trusted", () => {
    const names = (step: string) => runs.get(step)!.filter(({ type }) => type === "tls:index/privateKey:PrivateKey").map(({ name }) => name);
    const [before, trusted, used, after] = steps.map(names);
    expect(trusted).toEqual(expect.arrayContaining(before!));
    const roots = ["cluster-control-plane-ca", "cluster-control-plane-tokens", "cluster-etcd-ca", "cluster-registry-ca"];
    expect(used).toEqual(expect.arrayContaining([...roots, ...roots.map((name) => `${name}-2`)]));
    for (const name of roots) expect(after).not.toContain(name);
  });
});

/** An input as text, secret or not. */
function plainText(input: unknown): string {
  return typeof input === "string" ? input : (input as { value: string }).value;
}
