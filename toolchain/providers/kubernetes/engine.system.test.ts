/** The plugin under the real engine, with a real API server and real controllers. The tests are the kubelet. */

import * as pulumi from "@pulumi/pulumi";
import * as k8s from "@pulumi/kubernetes";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../../../test/harness/api-server.ts";
import { playKubelet, type Kubelet } from "./kubelet.harness.ts";
import { testStack, type TestStack } from "./stack.harness.ts";

let server: ApiServer;
let kubelet: Kubelet;
let stack: TestStack;

beforeAll(async () => {
  server = await startApiServer({ controllers: true });
  kubelet = playKubelet(server);
});
afterAll(async () => {
  await kubelet?.stop();
  await server?.stop();
});
beforeEach(async () => {
  kubelet.outcome = "ready";
  stack = await testStack();
});
afterEach(async () => {
  await stack.destroy();
  await stack[Symbol.asyncDispose]();
});

const cluster = (): pulumi.CustomResourceOptions => ({ provider: new k8s.Provider("cluster", { kubeconfig: server.kubeconfig }) });

interface DeploymentOptions {
  readonly name?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly label?: string;
  readonly timeoutSeconds?: number;
}

function deployment(resource: string, options: DeploymentOptions, opts: pulumi.CustomResourceOptions): k8s.apps.v1.Deployment {
  const labels = { app: options.label ?? resource };
  return new k8s.apps.v1.Deployment(
    resource,
    {
      metadata: {
        ...(options.name === undefined ? {} : { name: options.name }),
        annotations: { "pulumi.com/timeoutSeconds": String(options.timeoutSeconds ?? 60) },
      },
      spec: {
        replicas: options.replicas ?? 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image: options.image ?? "registry.invalid/echo:1" }] } },
      },
    },
    opts,
  );
}

interface Live {
  readonly metadata: { readonly name: string; readonly uid: string; readonly managedFields?: readonly { readonly manager: string }[] };
  readonly spec: { readonly replicas?: number };
}

test("objects are named, awaited, left alone when nothing changes, updated in place, and removed", async () => {
  const program = (replicas: number) => async () => {
    const web = deployment("web", { replicas }, cluster());
    return { name: web.metadata.name, available: web.status.availableReplicas };
  };

  const planned = await stack.preview(program(2));
  const created = await stack.up(program(2));
  const again = await stack.up(program(2));
  const scaled = await stack.up(program(3));

  expect(planned.summary).toMatchObject({ create: 3 });
  expect(created.outputs["name"]?.value).toMatch(/^web-[0-9a-f]{8}$/);
  expect(created.outputs["available"]?.value).toBe(2);
  expect(again.summary).toEqual({ same: 3 });
  expect(scaled.summary).toEqual({ same: 2, update: 1 });
  expect(scaled.outputs["name"]).toEqual(created.outputs["name"]);
  expect(scaled.outputs["available"]?.value).toBe(3);
  const path = `/apis/apps/v1/namespaces/default/deployments/${String(created.outputs["name"]?.value)}`;
  const live = await server.request<Live>({ path });
  expect(live.metadata.managedFields?.map(({ manager }) => manager)).toContainEqual(
    expect.stringMatching(/^pulumi-kubernetes-[0-9a-f]{8}$/),
  );
  await stack.destroy();
  await expect(server.request({ path })).rejects.toThrow("404");
});

test("a failed start tells the pod's own reason, keeps the state, and is mended by the next update", async () => {
  kubelet.outcome = "ImagePullBackOff";
  const program = async (): Promise<void> => void deployment("broken", { name: "broken", timeoutSeconds: 3 }, cluster());

  await expect(stack.up(program)).rejects.toThrow(/0 of 2 replicas are available[\s\S]*\[ImagePullBackOff\] Back-off pulling image/);
  const { uid } = (await server.request<Live>({ path: "/apis/apps/v1/namespaces/default/deployments/broken" })).metadata;
  kubelet.outcome = "ready";
  const mended = await stack.up(program);

  expect(mended.summary).toEqual({ same: 2, update: 1 });
  expect((await server.request<Live>({ path: "/apis/apps/v1/namespaces/default/deployments/broken" })).metadata.uid).toBe(uid);
});

test("an immutable field means a replacement: before the deletion for automatic names, after it for given ones", async () => {
  const program = (label: string) => async () => {
    const opts = cluster();
    const automatic = deployment("automatic", { label: `automatic-${label}` }, opts);
    const given = deployment("given", { name: "given", label: `given-${label}` }, opts);
    return { automatic: automatic.metadata.uid, given: given.metadata.uid, name: automatic.metadata.name };
  };

  const first = await stack.up(program("a"));
  const planned = await stack.preview(program("b"));
  const second = await stack.up(program("b"));

  expect(planned.summary).toEqual({ replace: 2, same: 2 });
  expect(second.summary).toEqual({ replace: 2, same: 2 });
  expect(second.outputs["name"]?.value).not.toBe(first.outputs["name"]?.value);
  expect(second.outputs["given"]?.value).not.toBe(first.outputs["given"]?.value);
});

test("secrets stay secret in outputs and state", async () => {
  const changes = await stack.up(async () => {
    const opts = cluster();
    const secret = new k8s.core.v1.Secret("password", { stringData: { password: "correct-horse" } }, opts);
    const map = new k8s.core.v1.ConfigMap("settings", { data: { plain: "shown", token: pulumi.secret("battery-staple") } }, opts);
    return { data: secret.data, token: map.data["token"], plain: map.data["plain"] };
  });

  const encoded = Buffer.from("correct-horse").toString("base64");
  expect(changes.outputs["data"]).toEqual({ value: { password: encoded }, secret: true });
  expect(changes.outputs["token"]).toEqual({ value: "battery-staple", secret: true });
  expect(changes.outputs["plain"]).toMatchObject({ value: "shown" });
  const state = await stack.storedState();
  expect(state).toContain("shown");
  for (const hidden of ["correct-horse", encoded, "battery-staple"]) expect(state).not.toContain(hidden);
});

test("refresh finds drift and vanished objects, and the next update repairs them", async () => {
  const program = (annotations: Record<string, string>) => async (): Promise<void> => {
    const opts = cluster();
    new k8s.core.v1.ServiceAccount("drifting", { metadata: { name: "drifting", annotations }, automountServiceAccountToken: false }, opts);
    new k8s.core.v1.ConfigMap("vanishing", { metadata: { name: "vanishing" }, data: { key: "value" } }, opts);
  };
  const path = "/api/v1/namespaces/default/serviceaccounts/drifting";
  await stack.up(program({}));
  await server.request({ method: "PATCH", path, body: { automountServiceAccountToken: true } });
  await server.request({ method: "DELETE", path: "/api/v1/namespaces/default/configmaps/vanishing" });

  const refreshed = await stack.refresh(program({}));

  expect(refreshed.summary).toMatchObject({ delete: 1, update: 1 });
  // The field belongs to another manager now: taking it back has to be asked for.
  await expect(stack.preview(program({}))).rejects.toThrow(/drifting.*conflict[\s\S]*pulumi.com\/patchForce/);
  expect((await stack.up(program({ "pulumi.com/patchForce": "true" }))).summary).toMatchObject({ create: 1, update: 1 });
  expect(await server.request({ path })).toMatchObject({ automountServiceAccountToken: false });
});

test("a new kind and its objects come with one update", async () => {
  const schema = { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } } };
  const { "x-kubernetes-preserve-unknown-fields": preserve, ...spec } = schema.properties.spec;
  const program = async (): Promise<{ size: pulumi.Output<number> }> => {
    const opts = cluster();
    const definition = new k8s.apiextensions.v1.CustomResourceDefinition(
      "widgets",
      {
        metadata: { name: "widgets.test.peak" },
        spec: {
          group: "test.peak",
          names: { kind: "Widget", plural: "widgets", singular: "widget" },
          scope: "Cluster",
          versions: [
            {
              name: "v1",
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { ...schema, properties: { spec: { ...spec, x_kubernetes_preserve_unknown_fields: preserve } } } },
            },
          ],
        },
      },
      opts,
    );
    const widget = new k8s.apiextensions.CustomResource(
      "widget",
      {
        apiVersion: "test.peak/v1",
        kind: "Widget",
        // The garbage collector learns of a new kind only after half a minute, which a foreground deletion waits for.
        metadata: { annotations: { "pulumi.com/deletionPropagationPolicy": "background" } },
        spec: { size: 3 },
      },
      { ...opts, dependsOn: definition },
    );
    return { size: (widget as unknown as { spec: pulumi.Output<{ size: number }> }).spec.size };
  };

  expect((await stack.preview(program)).summary).toEqual({ create: 4 });
  expect((await stack.up(program)).outputs["size"]?.value).toBe(3);
  expect((await stack.up(program)).summary).toEqual({ same: 4 });
});

test("objects are imported, read by ID, and made from YAML", async () => {
  const body = { metadata: { name: "adopted" }, data: { key: "value" } };
  await server.request({ method: "POST", path: "/api/v1/namespaces/default/configmaps", body });
  const changes = await stack.up(async () => {
    const opts = cluster();
    const args = { metadata: { name: "adopted", namespace: "default" }, data: { key: "value" } };
    new k8s.core.v1.ConfigMap("adopted", args, { ...opts, import: "default/adopted" });
    const found = k8s.core.v1.Namespace.get("found", "kube-system", opts);
    const group = new k8s.yaml.ConfigGroup(
      "group",
      {
        yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {a: b}\n---\n",
      },
      { providers: { kubernetes: opts.provider as k8s.Provider } },
    );
    return { phase: found.status.phase, data: group.getResource("v1/ConfigMap", "from-yaml").data };
  });

  expect(changes.summary).toMatchObject({ import: 1 });
  expect(changes.outputs["phase"]?.value).toBe("Active");
  expect(changes.outputs["data"]?.value).toEqual({ a: "b" });
});

test("values that are not known yet are left open in a preview", async () => {
  const planned = await stack.preview(async () => {
    const opts = cluster();
    const first = new k8s.core.v1.ConfigMap("first", { data: { a: "b" } }, opts);
    new k8s.core.v1.ConfigMap("second", { data: { uid: first.metadata.uid } }, opts);
  });

  expect(planned.summary).toEqual({ create: 4 });
  expect(planned.output).toMatch(/uid: \[unknown\]/);
});

test("without an API server a preview still works, and an update names the server and the remedy", async () => {
  const program = (url: string) => async (): Promise<void> => {
    const provider = new k8s.Provider("cluster", { kubeconfig: server.kubeconfig.replace(server.url, url) });
    new k8s.core.v1.ConfigMap("settings", { metadata: { name: "settings" } }, { provider });
  };
  const nowhere = program("https://[::1]:1");

  expect((await stack.preview(nowhere)).summary).toEqual({ create: 3 });
  await expect(stack.up(nowhere)).rejects.toThrow(/https:\/\/\[::1\]:1 does not answer[\s\S]*kubernetes:kubeconfig/);
  // Another server is another cluster.
  expect((await stack.up(program(server.url))).summary).toEqual({ create: 1, replace: 1, same: 1 });
});

test("an update outlasts a restart of the API server", async () => {
  kubelet.outcome = "starting";
  const update = stack.up(async () => void deployment("patient", { name: "patient" }, cluster()));
  await kubelet.sawPods("patient");
  await server.suspend();
  await server.resume();
  kubelet.outcome = "ready";
  expect((await update).summary).toEqual({ create: 3 });
});

test("a cancelled update ends at once and keeps what it made", async () => {
  kubelet.outcome = "starting";
  const program = async (): Promise<void> => void deployment("slow", { name: "slow", timeoutSeconds: 600 }, cluster());

  const interrupt = new AbortController();
  const update = expect(stack.up(program, interrupt.signal)).rejects.toThrow(/cancelled/);
  await kubelet.sawPods("slow");
  interrupt.abort();
  await update;
  expect(await stack.storedState()).toContain("default/slow");
  kubelet.outcome = "ready";
  expect((await stack.up(program)).summary).toEqual({ same: 2, update: 1 });
});
