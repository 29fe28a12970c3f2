/** Volumes under the real engine, with a real API server and real controllers; the host takes any set-up, and does nothing. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../../test/harness/api-server.ts";
import { startSshd, type Sshd } from "../../toolchain/providers/command/sshd.ts";
import { playKubelet, type Kubelet } from "../../toolchain/providers/kubernetes/kubelet.harness.ts";
import { testStack, type TestStack } from "../../toolchain/providers/kubernetes/stack.harness.ts";
import type { Host } from "../node/host.ts";
import { Volume } from "./volume.ts";

interface Claim {
  metadata: { name: string; uid: string };
  status: { phase: string; capacity?: { storage: string } };
}
interface PersistentVolume {
  spec: { local: { path: string }; claimRef: { name: string; uid: string } };
  status: { phase: string };
}

let server: ApiServer;
let kubelet: Kubelet;
let sshd: Sshd;
let stack: TestStack;

beforeAll(async () => {
  sshd = await startSshd(["ForceCommand cat > /dev/null"]);
  server = await startApiServer({ controllers: true });
  kubelet = playKubelet(server);
  stack = await testStack();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await kubelet?.stop();
  await server?.stop();
  await sshd?.[Symbol.asyncDispose]();
});

/** A volume of that size on a host, and unless told otherwise a pod that uses it. */
const program = (size: string, { used = true } = {}) => async () => {
  const inside = { provider: new k8s.Provider("cluster", { kubeconfig: server.kubeconfig }) };
  const resource = new k8s.core.v1.ConfigMap("host", {}, inside);
  const host: Host = {
    name: "pi1", role: "service", number: 1, arch: "amd64", ula: "::1", global: undefined, resource, lifetime: undefined,
    answers: true, incarnation: "first", connection: pulumi.output(sshd.connection),
  };
  const { claim } = new Volume("data", { namespace: "default", host, size }, inside);
  if (used) {
    const labels = { app: "user" };
    new k8s.apps.v1.Deployment("user", {
      spec: {
        strategy: { type: "Recreate" },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "main", image: "registry.invalid/user:1" }],
            volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }],
          },
        },
      },
    }, inside);
  }
  return { claim };
};

const list = async <T>(path: string): Promise<T[]> => (await server.request<{ items: T[] }>({ path })).items;
const claims = () => list<Claim>("/api/v1/namespaces/default/persistentvolumeclaims");
const volumes = () => list<PersistentVolume>("/api/v1/persistentvolumes");

/** The one claim and the one volume that there are, which are to belong to each other. */
async function bound(size: string): Promise<Claim> {
  await expect.poll(async () => (await claims()).map(({ status }) => [status.phase, status.capacity?.storage]), { timeout: 60_000 }).toEqual([["Bound", size]]);
  const [[claim], all] = await Promise.all([claims(), volumes()]);
  expect(all).toMatchObject([{
    spec: { local: { path: "/var/lib/peak-volumes/data" }, claimRef: { name: claim!.metadata.name, uid: claim!.metadata.uid } },
    status: { phase: "Bound" },
  }]);
  return claim!;
}

test("a volume is bound to its claim, and stays as it is", async () => {
  await stack.up(program("64Mi"));
  await bound("64Mi");
  await stack.refresh(program("64Mi"));
  const { summary } = await stack.up(program("64Mi"));
  expect(Object.keys(summary)).toEqual(["same"]);
});

test("a larger one has the same data, under a claim that the pod uses", async () => {
  const { outputs } = await stack.up(program("128Mi"));
  const claim = await bound("128Mi");
  expect(outputs["claim"]?.value).toBe(claim.metadata.name);
  const pods = await list<{ metadata: { deletionTimestamp?: string }; spec: { volumes: { persistentVolumeClaim?: { claimName: string } }[] } }>("/api/v1/namespaces/default/pods");
  expect(pods.flatMap(({ spec }) => spec.volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []))).toEqual([claim.metadata.name]);
  expect(Object.keys((await stack.up(program("128Mi"))).summary)).toEqual(["same"]);
});

test("a smaller one is refused by a preview, and by an update", async () => {
  const refusal = /the volume data has 128Mi and cannot shrink to 64Mi: give it 128Mi or more/;
  await expect(stack.preview(program("64Mi"))).rejects.toThrow(refusal);
  await expect(stack.up(program("64Mi"))).rejects.toThrow(refusal);
  await stack.up(program("128Mi"));
  await bound("128Mi");
});

test("a claim that is made anew gets the volume that was kept", async () => {
  await stack.up(program("128Mi", { used: false }));
  const before = await bound("128Mi");
  await server.request({ method: "DELETE", path: `/api/v1/namespaces/default/persistentvolumeclaims/${before.metadata.name}` });
  await expect.poll(async () => (await volumes())[0]!.status.phase, { timeout: 60_000 }).toBe("Released");
  await stack.refresh(program("128Mi", { used: false }));
  await stack.up(program("128Mi"));
  expect((await bound("128Mi")).metadata.uid).not.toBe(before.metadata.uid);
});
