import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime/index.js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hiddenSecrets } from "../../policy/hidden-secrets.ts";
import type { Settings } from "../config.ts";
import { Service, type ServiceArgs } from "./service.ts";
import { services } from "./services.ts";

let made: MockResourceArgs[];

beforeEach(async () => {
  made = [];
  await pulumi.runtime.setMocks({
    call: ({ token }) => {
      throw new Error(`unmocked call: ${token}`);
    },
    newResource: (resource) => {
      made.push(resource);
      const { metadata } = resource.inputs as { metadata?: object };
      return { id: resource.name, state: { ...resource.inputs, metadata: { name: `${resource.name}-1a2b`, ...metadata } } };
    },
  });
});

afterEach(() => pulumi.runtime.disconnect());

interface Container {
  env: { name: string; value?: string; valueFrom?: unknown }[];
  ports: unknown;
  readinessProbe: unknown;
  livenessProbe: unknown;
  resources: unknown;
}

interface Deployment {
  metadata: { annotations?: Record<string, string> };
  spec: { replicas: number; template: { metadata: { labels: object; annotations: object }; spec: { containers: [Container] } } };
}

const plain: ServiceArgs = { image: "registry.test/peak/a:1@sha256:2", zone: "peak.", replicas: 2 };

/** Makes a service and returns what was registered for it. */
async function make(name: string, args: ServiceArgs): Promise<{ service: Service; deployment: Deployment; container: Container; types: string[] }> {
  const service = new Service(name, args);
  await pulumi.runtime.disconnect(); // when all is registered
  const deployment = made.find(({ type }) => type === "kubernetes:apps/v1:Deployment")!.inputs as Deployment;
  return { service, deployment, container: deployment.spec.template.spec.containers[0], types: made.map(({ type }) => type) };
}

it("echo has the Deployment that it has always had: no pod of a running stack is replaced", async () => {
  const { echo } = services({ echoReplicas: 4 } as Settings);
  const { service, deployment, types } = await make("echo", { ...echo!, zone: "peak.", image: "IMAGE" });
  expect(deployment).toEqual(JSON.parse(readFileSync(join(import.meta.dirname, "echo-deployment.json"), "utf8")));
  expect(types).toEqual(["peak:service:Service", "kubernetes:core/v1:Namespace", "kubernetes:apps/v1:Deployment"]);
  expect(service.endpoint).toEqual({ name: "echo", hostname: "echo.peak.", url: "http://echo.peak/" });
});

it("a service without a domain has pods, and neither a name nor steering", async () => {
  const { service, deployment } = await make("worker", plain);
  expect(service.endpoint).toBeUndefined();
  expect(deployment.spec.template.metadata.labels).toEqual({ app: "worker" });
  expect(deployment.metadata).toEqual({ name: "worker", namespace: "worker" });
});

it("steering is what the annotations of the Deployment say", async () => {
  const { deployment } = await make("shop", { ...plain, domain: "shop", steering: { query: "up", mode: "singlebest", threshold: "absolute:0.8" } });
  expect(deployment.metadata.annotations).toEqual({
    "dns.peak/loadbalance": "up",
    "dns.peak/loadbalance-mode": "singlebest",
    "dns.peak/overload-threshold": "absolute:0.8",
  });
});

it("another port is that of pods, probes, metrics and clients", async () => {
  const { service, deployment, container } = await make("shop", { ...plain, domain: "shop", port: 8080 });
  expect(service.endpoint?.url).toBe("http://shop.peak:8080/");
  expect(container.ports).toEqual([{ name: "http", containerPort: 8080 }]);
  expect(container.readinessProbe).toMatchObject({ httpGet: { port: "http" } });
  expect(deployment.spec.template.metadata.annotations).toMatchObject({ "prometheus.io/port": "8080" });
});

it("takes what it is told in place of its defaults", async () => {
  const probes = { readiness: { tcpSocket: { port: "http" } } };
  const resources = { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2", memory: "2Gi" } };
  const { container, deployment } = await make("shop", { ...plain, replicas: pulumi.output(3), probes, resources });
  expect(deployment.spec.replicas).toBe(3);
  expect(container).toMatchObject({ readinessProbe: probes.readiness, livenessProbe: { httpGet: { path: "/livez" } }, resources });
});

it("secrets are in a Secret that changes its name with them, and nowhere else", async () => {
  const url = pulumi.output("postgres://u:8f3kZq0w@db/shop");
  const { container, deployment } = await make("shop", { ...plain, environment: { LEVEL: pulumi.output("debug") }, secrets: { DATABASE_URL: url } });
  const secret = made.find(({ type }) => type === "kubernetes:core/v1:Secret")!.inputs as { metadata: object; immutable: boolean; stringData: object };
  expect(secret).toMatchObject({ metadata: { namespace: "shop" }, immutable: true });
  expect(secret.metadata).not.toHaveProperty("name");
  // The engine is told that it is secret.
  expect(Object.keys(secret.stringData)).toContain("4dabf18193072939515e22adb298388d");
  expect(container.env.slice(3)).toEqual([
    { name: "LEVEL", value: "debug" },
    { name: "DATABASE_URL", valueFrom: { secretKeyRef: { name: "shop-1a2b", key: "DATABASE_URL" } } },
  ]);
  expect(JSON.stringify(deployment)).not.toContain("postgres");
  expect(hiddenSecrets.violations({ ...deployment, kind: "Deployment", apiVersion: "apps/v1" })).toEqual([]);
});

it.each([
  [{ environment: { A: "1" }, secrets: { A: "2" } }, "service shop: the environment variable A is given twice"],
  [{ environment: { POD_NAME: "x" } }, "service shop: the environment variable POD_NAME is given twice"],
])("refuses %j", (given, message) => expect(() => new Service("shop", { ...plain, ...given })).toThrow(message));
