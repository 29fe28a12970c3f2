import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundedResources } from "./bounded-resources.ts";
import { directServices, directWorkloads } from "./direct-services.ts";
import { hiddenSecrets, secretIn } from "./hidden-secrets.ts";
import { containersOf, podTemplateOf, type Container, type KubernetesObject, type PodSpec } from "./kubernetes.ts";
import { leastPrivilege } from "./least-privilege.ts";
import { isPinned, pinnedImages } from "./pinned-images.ts";
import { resourcePolicies, stackPolicies } from "./policies.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const BOUNDS = { cpu: "100m", memory: "64Mi" };

const good: Container = {
  name: "web",
  image: `registry.example/web@${DIGEST}`,
  resources: { requests: BOUNDS, limits: BOUNDS },
  securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true },
  env: [{ name: "LOG_LEVEL", value: "info" }],
};

const pod = (container: Partial<Container>, spec: PodSpec = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: { ...spec, containers: [{ ...good, ...container }] },
});

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [good] } };

test("the policies have names of their own and are mandatory", () => {
  const all = [...resourcePolicies, ...stackPolicies];
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(all.every(({ enforcementLevel }) => enforcementLevel === "mandatory")).toBe(true);
});

describe("workloads", () => {
  test.each(["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"])("%s has a pod template", (kind) => {
    expect(podTemplateOf({ kind, spec: { template } })).toBe(template);
  });

  test("so has CronJob, deeper down, and Pod is one", () => {
    expect(podTemplateOf({ kind: "CronJob", spec: { jobTemplate: { spec: { template } } } })).toBe(template);
    expect(podTemplateOf(pod({}))?.spec?.containers).toHaveLength(1);
  });

  test("other objects have none", () => {
    expect(podTemplateOf({ kind: "Service", spec: { template } })).toBeUndefined();
    expect(podTemplateOf({})).toBeUndefined();
  });

  test("init containers count", () => {
    const resource = { kind: "Job", spec: { template: { spec: { initContainers: [{ name: "a" }], containers: [{ name: "b" }] } } } };
    expect(containersOf(resource).map(({ place }) => place)).toEqual(['init container "a"', 'container "b"']);
  });

  test("a good one breaks no policy, a bare one breaks all that are about containers", () => {
    expect(resourcePolicies.flatMap((policy) => policy.violations(pod({})))).toEqual([]);
    const bare = {
      kind: "CronJob",
      spec: { jobTemplate: { spec: { template: { spec: { containers: [{ name: "web", image: "web" }] } } } } },
    };
    const broken = resourcePolicies.filter((policy) => policy.violations(bare).length > 0);
    expect(broken.map(({ name }) => name)).toEqual(["bounded-resources", "least-privilege", "pinned-images"]);
  });
});

describe("bounded-resources", () => {
  test.each<[string, Container["resources"] | undefined, string[]]>([
    ["all", { requests: BOUNDS, limits: BOUNDS }, []],
    ["none", {}, ["requests.cpu, requests.memory, limits.cpu, limits.memory"]],
    ["no requests", { limits: BOUNDS }, ["requests.cpu, requests.memory"]],
    ["no limit of memory", { requests: BOUNDS, limits: { cpu: 1 } }, ["limits.memory"]],
  ])("%s", (_name, resources, missing) => {
    expect(boundedResources.violations(pod({ resources: resources ?? {} }))).toEqual(
      missing.map((names) => `container "web" has no resources ${names}; set them`),
    );
  });
});

describe("least-privilege", () => {
  const readOnly = { readOnlyRootFilesystem: true };
  test.each<[string, object, object, number]>([
    ["a user that is not root", { ...readOnly, runAsNonRoot: true }, {}, 0],
    ["a numbered user", { ...readOnly, runAsUser: 1000 }, {}, 0],
    ["the pod's user", readOnly, { runAsNonRoot: true }, 0],
    ["a container that overrides its pod", { ...readOnly, runAsNonRoot: false }, { runAsNonRoot: true }, 1],
    ["user 0 in the pod", { ...readOnly, runAsNonRoot: true }, { runAsUser: 0 }, 1],
    ["nothing said", readOnly, {}, 1],
    ["a writable root", { runAsNonRoot: true, readOnlyRootFilesystem: false }, {}, 1],
    ["both", {}, {}, 2],
  ])("%s", (_name, own, ofPod, count) => {
    expect(leastPrivilege.violations(pod({ securityContext: own }, { securityContext: ofPod }))).toHaveLength(count);
  });
});

describe("pinned-images", () => {
  test.each([
    [`web@${DIGEST}`, true],
    [`registry.example:5000/a/web:1.2@${DIGEST}`, true],
    ["registry.example:5000/a/web:0123456789ab", true],
    ["web:latest", false],
    ["web", false],
    ["web:1.27.3", false],
    ["web:0123456789a", false],
    ["registry.example:500000000000/web", false],
    [`web@${DIGEST.slice(0, -1)}`, false],
    ["", false],
  ])("%s: %s", (image, pinned) => {
    expect(isPinned(image)).toBe(pinned);
    expect(pinnedImages.violations(pod({ image }))).toHaveLength(pinned ? 0 : 1);
  });
});

describe("direct-services and direct-workloads", () => {
  const service = (spec: object, namespace = "default"): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace },
    spec,
  });

  test.each<[string, KubernetesObject, number]>([
    ["ClusterIP on published pods", service({ type: "ClusterIP", selector: { "dns.peak/domain": "web.peak" } }), 0],
    ["LoadBalancer on published pods", service({ type: "LoadBalancer", selector: { "dns.peak/domain": "web.peak" } }), 1],
    ["NodePort on published pods", service({ type: "NodePort", selector: { "dns.peak/domain": "web.peak" } }), 1],
    ["LoadBalancer of a comparison ingress", service({ type: "LoadBalancer", selector: { app: "ingress" } }, "ingress"), 0],
    ["no type", service({ selector: { "dns.peak/domain": "web.peak" } }), 0],
    ["another kind of Service", { ...service({ type: "NodePort", selector: { "dns.peak/domain": "web.peak" } }), apiVersion: "serving.knative.dev/v1" }, 0],
  ])("%s by itself", (_name, resource, count) => expect(directServices.violations(resource)).toHaveLength(count));

  const deployment = (metadata: object, namespace = "default"): KubernetesObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: { template: { metadata: { labels: { app: "web" }, ...metadata } } },
  });
  const published = { annotations: { "dns.peak/domain": "web.peak" } };

  test.each<[string, KubernetesObject, KubernetesObject, number]>([
    ["selects published pods", service({ type: "NodePort", selector: { app: "web" } }), deployment(published), 1],
    ["selects other pods", service({ type: "NodePort", selector: { app: "db" } }), deployment(published), 0],
    ["selects unpublished pods", service({ type: "NodePort", selector: { app: "web" } }), deployment({}), 0],
    ["is in another namespace", service({ type: "NodePort", selector: { app: "web" } }, "other"), deployment(published), 0],
    ["has no selector", service({ type: "NodePort" }), deployment(published), 0],
    ["is no proxy", service({ type: "ClusterIP", selector: { app: "web" } }), deployment(published), 0],
  ])("a Service that %s", (_name, subject, workload, count) => {
    const violations = directWorkloads.stackViolations([subject, workload]);
    expect(violations).toHaveLength(count);
    for (const { resource, message } of violations) {
      expect(resource).toBe(subject);
      expect(message).toContain('selects the pods of Deployment "web"');
    }
  });

  test("a label publishes as well as an annotation", () => {
    const workload = deployment({ labels: { app: "web", "dns.peak/domain": "web.peak" } });
    expect(directWorkloads.stackViolations([workload, service({ type: "NodePort", selector: { app: "web" } })])).toHaveLength(1);
  });
});

describe("hidden-secrets", () => {
  // Not a real one: put together here so that no scanner takes it for one.
  const privateKey = ["-----BEGIN", "PRIVATE KEY-----\nMIIB\n-----END", "PRIVATE KEY-----"].join(" ");
  const jwt = [{ alg: "HS256" }, { sub: "somebody" }, "signature"]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const base64 = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 151 + 89) % 256)).toString("base64");
  const certificate = `-----BEGIN CERTIFICATE-----\n${base64}\n${base64}\n-----END CERTIFICATE-----\n`;

  test.each<[string, string, string | undefined]>([
    ["DB_PASSWORD", "hunter2", "has the name of a secret"],
    ["apiToken", "x", "has the name of a secret"],
    ["CLIENT_SECRET", "x", "has the name of a secret"],
    ["TSIG_KEY", "x", "has the name of a secret"],
    ["DB_PASSWORD", "", undefined],
    ["TLS_KEY_FILE", "/etc/tls/tls.key", undefined],
    ["TSIG_KEY_NAME", "cluster1", undefined],
    ["PUBLIC_KEY", "x", undefined],
    ["authorized_keys", `ssh-ed25519 ${base64} somebody`, undefined],
    ["config.yaml", `tls: |\n${privateKey}`, "has a private key"],
    ["URL", `https://example.com/?t=${jwt}`, "has a JSON Web Token"],
    ["URL", `https://user:${base64}@example.com/`, "has a long random string"],
    ["ca.crt", certificate, undefined],
    ["both.pem", certificate + privateKey, "has a private key"],
    ["IMAGE", `registry.example/web@${DIGEST}`, undefined],
    ["INTEGRITY", `sha512-${base64}`, undefined],
    ["QUERY", "sum(rate(http_request_duration_seconds_bucket[1m])) by (le)", undefined],
    ["CLASS", "io.example.prometheusOperatorServiceMonitor1Configuration", undefined],
    ["LOG_LEVEL", "info", undefined],
  ])("%s=%s", (name, value, expected) => expect(secretIn(name, value)).toBe(expected));

  test("random keys of 32 bytes are found", () => {
    const found = Array.from({ length: 200 }, () => secretIn("VALUE", randomBytes(32).toString("base64"))).filter(Boolean);
    expect(found.length).toBeGreaterThan(195);
  });

  test("lower-case text of any length is no random string", () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z_/-]{0,200}$/), (text) => secretIn("VALUE", text) === undefined));
  });

  test("are looked for in environments and ConfigMaps, and nowhere else", () => {
    expect(hiddenSecrets.violations(pod({ env: [{ name: "TOKEN", value: "x" }] }))).toEqual([
      'container "web": environment variable TOKEN has the name of a secret; use valueFrom.secretKeyRef',
    ]);
    expect(hiddenSecrets.violations(pod({ env: [{ name: "TOKEN" }] }))).toEqual([]);
    expect(hiddenSecrets.violations({ kind: "ConfigMap", data: { password: "x" } })).toEqual([
      "key password has the name of a secret; put it into a Secret",
    ]);
    const binaryData = { blob: Buffer.from(privateKey).toString("base64") };
    expect(hiddenSecrets.violations({ kind: "ConfigMap", binaryData })).toEqual(["key blob has a private key; put it into a Secret"]);
    expect(hiddenSecrets.violations({ kind: "Secret", data: { password: "x" } })).toEqual([]);
  });
});
