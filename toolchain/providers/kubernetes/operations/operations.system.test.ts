/** The operations, called directly, against a real API server with real controllers. */

import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startApiServer, type ApiServer } from "../../../../test/harness/api-server.ts";
import { parseConfig } from "../config.ts";
import { Context, type Log } from "../context.ts";
import { playKubelet, type Kubelet } from "../kubelet.harness.ts";
import { objectAt, textAt } from "../objects.ts";
import type { JsonObject } from "../values.ts";
import { check } from "./check.ts";
import { create, type Created } from "./create.ts";
import { remove } from "./delete.ts";
import { diff, type Diff } from "./diff.ts";
import { InitError } from "./init-error.ts";
import { invoke } from "./invoke.ts";
import { read } from "./read.ts";
import { update } from "./update.ts";

let server: ApiServer;
let kubelet: Kubelet;
let context: Context;
const log = { info: vi.fn<Log["info"]>(), warning: vi.fn<Log["warning"]>(), status: vi.fn<Log["status"]>() };

const open = (settings: Record<string, string> = {}, signal = new AbortController().signal): Promise<Context> =>
  Context.open(parseConfig({ kubeconfig: server.kubeconfig, ...settings }, {}).config, log, signal);

beforeAll(async () => {
  server = await startApiServer({ controllers: true });
  kubelet = playKubelet(server);
  context = await open();
});
afterAll(async () => {
  await kubelet?.stop();
  await server?.stop();
});

const urnOf = (token: string, name: string): string => `urn:pulumi:test::test::kubernetes:${token}::${name}`;

/** A resource through its life, as the engine leads it. */
class Resource {
  readonly urn: string;
  id = "";
  inputs: JsonObject = {};
  state: JsonObject = {};
  using: Context;

  constructor(token: string, name: string, using: Context = context) {
    this.urn = urnOf(token, name);
    this.using = using;
  }

  async check(news: JsonObject): Promise<JsonObject> {
    return check(this.using, { urn: this.urn, olds: this.inputs, news, seed: new Uint8Array([1]), autonaming: undefined });
  }

  async create(news: JsonObject, preview = false): Promise<Created> {
    const properties = await this.check(news);
    const created = await create(this.using, { urn: this.urn, properties, timeout: 0, preview });
    if (!preview) [this.inputs, this.id, this.state] = [properties, created.id, created.state];
    return created;
  }

  async diff(news: JsonObject, ignoreChanges: string[] = []): Promise<Diff> {
    return diff(this.using, { urn: this.urn, olds: this.state, news: await this.check(news), ignoreChanges });
  }

  async update(news: JsonObject, ignoreChanges: string[] = [], preview = false): Promise<JsonObject> {
    const inputs = await this.check(news);
    const request = { urn: this.urn, id: this.id, olds: this.state, news: inputs, timeout: 0, ignoreChanges, preview };
    const state = await update(this.using, request);
    if (!preview) [this.inputs, this.state] = [inputs, state];
    return state;
  }

  delete(timeout = 0): Promise<void> {
    return remove(this.using, { urn: this.urn, id: this.id, state: this.state, timeout });
  }
}

const template = (labels: JsonObject, container: JsonObject = {}): JsonObject => ({
  metadata: { labels },
  spec: { containers: [{ name: "main", image: "registry.invalid/echo:1", ...container }] },
});

const live = (path: string): Promise<JsonObject> => server.request<JsonObject>({ path });

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error(`not an error: ${String(error)}`);
  return error;
}

test("workloads and what depends on them are waited for", async () => {
  const labels = { app: "all" };
  const workload = { selector: { matchLabels: labels }, template: template(labels) };
  const deployment = new Resource("apps/v1:Deployment", "all");
  const stateful = new Resource("apps/v1:StatefulSet", "stateful");
  const daemons = new Resource("apps/v1:DaemonSet", "daemons");
  const service = new Resource("core/v1:Service", "all");
  const pod = new Resource("core/v1:Pod", "alone");

  await deployment.create({ metadata: { name: "all" }, spec: { replicas: 1, ...workload } });
  await service.create({ metadata: { name: "all" }, spec: { selector: labels, ports: [{ port: 80 }] } });
  await stateful.create({
    spec: { replicas: 2, serviceName: "all", selector: { matchLabels: { app: "stateful" } }, template: template({ app: "stateful" }) },
  });
  await daemons.create({ spec: { selector: { matchLabels: { app: "daemons" } }, template: template({ app: "daemons" }) } });
  await pod.create({ spec: { containers: [{ name: "main", image: "registry.invalid/echo:1" }] } });

  expect(objectAt(deployment.state, "status")).toMatchObject({ availableReplicas: 1 });
  expect(objectAt(stateful.state, "status")).toMatchObject({ readyReplicas: 2 });
  expect(objectAt(daemons.state, "status")).toMatchObject({ numberAvailable: 1, desiredNumberScheduled: 1 });
  expect(objectAt(pod.state, "status")).toMatchObject({ phase: "Running" });
  for (const resource of [pod, daemons, stateful, service, deployment]) await resource.delete();
  await expect(live("/apis/apps/v1/namespaces/default/deployments/all")).rejects.toThrow("404");
});

test("a job is waited for until it is complete, and fails with its pods' reason", async () => {
  const spec = (exit: string): JsonObject => ({
    backoffLimit: 0,
    template: {
      spec: { ...objectAt(template({}), "spec"), restartPolicy: "Never", containers: [{ name: exit, image: "registry.invalid/job" }] },
    },
  });
  kubelet.outcome = "complete";
  await new Resource("batch/v1:Job", "good").create({ spec: spec("good") });
  kubelet.outcome = "failed";
  const error = await failure(new Resource("batch/v1:Job", "bad").create({ metadata: { name: "bad" }, spec: spec("bad") }));
  kubelet.outcome = "ready";

  expect(error).toBeInstanceOf(InitError);
  expect(error.message).toMatch(/the job failed: \[BackoffLimitExceeded\][\s\S]*exited with code 3 \[Error\] out of luck/);
});

test("an ingress waits for its backends' endpoints and for an address", async () => {
  const metadata = { name: "front", annotations: { "pulumi.com/timeoutSeconds": "2" } };
  const backend = { service: { name: "nobody", port: { number: 80 } } };
  const ingress = new Resource("networking.k8s.io/v1:Ingress", "front");

  const missing = await failure(ingress.create({ metadata, spec: { defaultBackend: backend } }));
  await server.request({
    method: "PATCH",
    path: "/apis/networking.k8s.io/v1/namespaces/default/ingresses/front/status",
    body: { status: { loadBalancer: { ingress: [{ ip: "2001:db8::1" }] } } },
  });
  await server.request({
    method: "POST",
    path: "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    body: {
      metadata: { name: "nobody-1", labels: { "kubernetes.io/service-name": "nobody" } },
      addressType: "IPv6",
      endpoints: [{ addresses: ["2001:db8::2"], conditions: { ready: true } }],
    },
  });
  if (!(missing instanceof InitError)) throw missing;
  const refreshed = await read(context, {
    urn: ingress.urn,
    id: missing.id,
    state: missing.state,
    inputs: objectAt(missing.state, "__inputs"),
  });

  expect(missing.message).toMatch(/timed out after 2 s; no endpoints for nobody/);
  expect(objectAt(refreshed?.state, "status", "loadBalancer")).toMatchObject({ ingress: [{ ip: "2001:db8::1" }] });
});

test("annotations leave out waiting, or say what to wait for", async () => {
  const labels = { app: "nowhere" };
  const spec = { selector: labels, ports: [{ port: 80 }] };
  await new Resource("core/v1:Service", "skipped").create({ metadata: { annotations: { "pulumi.com/skipAwait": "true" } }, spec });
  const waitFor = JSON.stringify(["jsonpath={.data.state}=done", "jsonpath={.data.other}"]);
  const map = new Resource("core/v1:ConfigMap", "marked");
  const creation = map.create({ metadata: { name: "marked", annotations: { "pulumi.com/waitFor": waitFor } }, data: { state: "busy" } });
  await vi.waitFor(() => expect(log.status).toHaveBeenCalledWith(map.urn, expect.stringContaining("{.data.state}=done and")), 5000);
  const path = "/api/v1/namespaces/default/configmaps/marked";
  await server.request({ method: "PATCH", path, body: { data: { state: "done", other: "there" } } });
  await creation;
  const broken = await failure(
    new Resource("core/v1:ConfigMap", "broken").create({ metadata: { annotations: { "pulumi.com/waitFor": "ready" } } }),
  );

  expect(objectAt(map.state, "data")).toEqual({ state: "done", other: "there" });
  expect(broken.message).toMatch(/pulumi.com\/waitFor: "ready" starts with neither/);
});

test("the server tells which changes are real, and which need a replacement", async () => {
  const labels = { app: "judged" };
  const container = (cpu: string, image = "registry.invalid/echo:1"): JsonObject => ({ image, resources: { limits: { cpu } } });
  const deployment = new Resource("apps/v1:Deployment", "judged");
  const inputs = (cpu: string, image?: string): JsonObject => ({
    metadata: { name: "judged", annotations: { "pulumi.com/skipAwait": "true" } },
    spec: { replicas: 0, selector: { matchLabels: labels }, template: template(labels, container(cpu, image)) },
  });
  await deployment.create(inputs("1"));
  const policy = new Resource("scheduling.k8s.io/v1:PriorityClass", "important");
  await policy.create({ metadata: { name: "important" }, value: 10 });

  expect(await deployment.diff(inputs("1000m"))).toEqual({ changes: [], replaces: [], deleteBeforeReplace: false });
  expect(await deployment.diff(inputs("1", "registry.invalid/echo:2"))).toEqual({
    changes: [{ path: "spec.template.spec.containers[0].image", kind: "update", replace: false }],
    replaces: [],
    deleteBeforeReplace: false,
  });
  // In no table: the API server itself refuses to change the value.
  expect(await policy.diff({ metadata: { name: "important" }, value: 11 })).toEqual({
    changes: [{ path: "value", kind: "update", replace: true }],
    replaces: ["value"],
    deleteBeforeReplace: true,
  });
  await policy.delete();
});

test("an object that exists belongs to somebody else, unless the program takes it over", async () => {
  const path = "/api/v1/namespaces/default/configmaps";
  await server.request({ method: "POST", path, body: { metadata: { name: "theirs" }, data: { owner: "them" } } });
  const refused = await failure(
    new Resource("core/v1:ConfigMap", "theirs").create({ metadata: { name: "theirs" }, data: { owner: "us" } }),
  );
  const taking = new Resource("core/v1:ConfigMap", "theirs", await open({ upsertExistingObjects: "true", enablePatchForce: "true" }));
  await taking.create({ metadata: { name: "theirs" }, data: { owner: "us" } });

  expect(refused.message).toMatch(/v1 ConfigMap default\/theirs exists already.*alias/);
  expect(await live(`${path}/theirs`)).toMatchObject({ data: { owner: "us" } });
});

test("fields of client-side appliers are taken over; those of others cause a conflict", async () => {
  const path = "/api/v1/namespaces/default/configmaps/shared";
  const map = new Resource("core/v1:ConfigMap", "shared", await open({ enableConfigMapMutable: "true" }));
  await map.create({ metadata: { name: "shared" }, data: { a: "1" } });
  const patchAs = (manager: string, a: string): Promise<unknown> =>
    server.request({ method: "PATCH", path: `${path}?fieldManager=${manager}`, body: { data: { a } } });

  await patchAs("kubectl-client-side-apply", "2");
  await map.update({ metadata: { name: "shared" }, data: { a: "3" } });
  await patchAs("other", "4");
  const conflict = await failure(map.update({ metadata: { name: "shared" }, data: { a: "5" } }));

  expect(conflict.message).toMatch(/conflict with "other".*\.data\.a/);
  expect(await live(path)).toMatchObject({ data: { a: "4" } });
});

test("ignored fields are left to whoever manages them", async () => {
  const labels = { app: "scaled" };
  const inputs = (replicas: number, note: string): JsonObject => ({
    metadata: { name: "scaled", annotations: { "pulumi.com/skipAwait": "true", note } },
    spec: { replicas, selector: { matchLabels: labels }, template: template(labels) },
  });
  const path = "/apis/apps/v1/namespaces/default/deployments/scaled";
  const deployment = new Resource("apps/v1:Deployment", "scaled");
  await deployment.create(inputs(1, "a"));
  await server.request({ method: "PATCH", path: `${path}/scale?fieldManager=autoscaler`, body: { spec: { replicas: 0 } } });

  const planned = await deployment.diff(inputs(1, "b"), ["spec.replicas"]);
  await deployment.update(inputs(1, "b"), ["spec.replicas"]);

  expect(planned.changes.map(({ path: changed }) => changed)).toEqual(["metadata.annotations.note"]);
  expect(await live(path)).toMatchObject({ spec: { replicas: 0 }, metadata: { annotations: { note: "b" } } });
  await deployment.delete();
});

test("a patch owns only its fields, and gives them up when it is deleted", async () => {
  const patch = new Resource("core/v1:NamespacePatch", "label");
  await patch.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-public", labels: { patched: "yes" } } });
  expect(await live("/api/v1/namespaces/kube-public")).toMatchObject({ metadata: { labels: { patched: "yes" } } });
  await patch.delete();
  expect(objectAt(await live("/api/v1/namespaces/kube-public"), "metadata", "labels")).not.toHaveProperty("patched");
});

test("a deletion that does not end tells what holds it; a new object waits for the old one to go", async () => {
  const inputs = { metadata: { name: "held", finalizers: ["test.peak/hold"] }, data: { a: "1" } };
  const path = "/api/v1/namespaces/default/configmaps/held";
  const map = new Resource("core/v1:ConfigMap", "held");
  await map.create(inputs);

  const held = await failure(map.delete(1));
  const again = new Resource("core/v1:ConfigMap", "held").create({ metadata: { name: "held" }, data: { a: "2" } });
  await vi.waitFor(() => expect(log.status).toHaveBeenCalledWith(map.urn, expect.stringContaining("is being deleted")), 5000);
  await server.request({ method: "PATCH", path, body: { metadata: { finalizers: null } } });
  await again;

  expect(held).toBeInstanceOf(InitError);
  expect(held.message).toMatch(/is not deleted: timed out after 1 s[\s\S]*finalizer test.peak\/hold is not done/);
  expect(await live(path)).toMatchObject({ data: { a: "2" } });
});

test("reads tell what is there, what is gone, and what an import would write", async () => {
  const labels = { app: "read" };
  const deployment = new Resource("apps/v1:Deployment", "read");
  const inputs = { metadata: { name: "read" }, spec: { replicas: 0, selector: { matchLabels: labels }, template: template(labels) } };
  await deployment.create(inputs);
  const imported = await read(context, { urn: deployment.urn, id: "default/read", state: {}, inputs: {} });
  const refreshed = await read(context, { urn: deployment.urn, id: "default/read", state: deployment.state, inputs: deployment.inputs });

  expect(imported?.inputs).toMatchObject({
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: { replicas: 0, strategy: { type: "RollingUpdate" } },
  });
  expect(imported?.inputs).not.toHaveProperty("status");
  expect(objectAt(imported?.inputs, "metadata")).toEqual({ name: "read", namespace: "default" });
  expect(refreshed?.inputs).toEqual(deployment.inputs);
  expect(textAt(refreshed?.state, "__fieldManager")).toBe(textAt(deployment.state, "__fieldManager"));
  await deployment.delete();
  expect(
    await read(context, { urn: deployment.urn, id: "default/read", state: deployment.state, inputs: deployment.inputs }),
  ).toBeUndefined();
  const unknownKind = { urn: urnOf("nowhere.test/v1:Thing", "x"), id: "default/x", state: {}, inputs: {} };
  expect(await read(context, unknownKind)).toBeUndefined();
});

test("namespaces come with the object, from the provider, or not at all", async () => {
  const inNamespace = await open({ namespace: "kube-public" });
  const map = new Resource("core/v1:ConfigMap", "placed", inNamespace);
  const role = new Resource("rbac.authorization.k8s.io/v1:ClusterRole", "reader", inNamespace);
  expect(objectAt(await map.check({}), "metadata")).toMatchObject({
    namespace: "kube-public",
    name: expect.stringMatching(/^placed-[0-9a-f]{8}$/),
  });
  expect(objectAt(await role.check({}), "metadata")).not.toHaveProperty("namespace");
  expect(objectAt(await map.check({ metadata: { namespace: "default" } }), "metadata")).toMatchObject({ namespace: "default" });
});

test("a preview shows what the server would make, but nothing it makes up", async () => {
  const service = new Resource("core/v1:Service", "planned");
  const spec = { ports: [{ port: 80 }] };
  const planned = await service.create({ metadata: { name: "planned" }, spec }, true);
  const elsewhere = await new Resource("core/v1:ConfigMap", "soon").create({ metadata: { namespace: "to-come" }, data: {} }, true);
  const invalid = await failure(service.create({ metadata: { name: "planned" }, spec: { ports: [{ port: 99999 }] } }, true));

  expect(planned.id).toBe("");
  expect(objectAt(planned.state, "spec")).toMatchObject({ type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }] });
  expect(planned.state).not.toHaveProperty("status");
  expect(textAt(planned.state, "spec", "clusterIP")).not.toMatch(/:.*:/);
  expect(elsewhere.state).not.toHaveProperty("__inputs");
  expect(invalid.message).toMatch(/spec.ports\[0\].port: Invalid value: 99999/);
  await expect(live("/api/v1/namespaces/default/services/planned")).rejects.toThrow("404");
});

test("an object may come before its namespace", async () => {
  const creation = new Resource("core/v1:ConfigMap", "early").create({ metadata: { namespace: "late" }, data: {} });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await server.request({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: "late" } } });
  expect((await creation).id).toMatch(/^late\/early-/);
});

test("cancellation ends waiting at once, with what was made kept", async () => {
  const cancellation = new AbortController();
  const service = new Resource("core/v1:Service", "endless", await open({}, cancellation.signal));
  const creation = failure(service.create({ metadata: { name: "endless" }, spec: { selector: { app: "nobody" }, ports: [{ port: 80 }] } }));
  await vi.waitFor(() => expect(log.status).toHaveBeenCalledWith(service.urn, expect.stringContaining("no pod is ready")), 5000);
  cancellation.abort();
  const error = await creation;

  expect(error).toBeInstanceOf(InitError);
  expect(error).toMatchObject({ id: "default/endless", state: { metadata: { name: "endless" } } });
  expect(error.message).toMatch(/cancelled by the user; no pod is ready/);
});

test("what is not supported is refused with a way out", async () => {
  await expect(new Resource("helm.sh/v3:Release", "chart").check({})).rejects.toThrow(
    /helm.sh\/v3:Release is not supported.*official plugin/,
  );
  await expect(new Resource("core/v1:ConfigMapList", "maps").check({ items: [] })).rejects.toThrow(/resource of its own kind/);
  await expect(new Resource("core/v1:Pod", "p").check({ metadata: { generateName: "p-" } })).rejects.toThrow(/generateName/);
  await expect(new Resource("core/v1:PodPatch", "p").check({})).rejects.toThrow(/metadata.name/);
  await expect(invoke(context, "kubernetes:helm:template", {})).rejects.toThrow(/official plugin/);
});
