// All set-ups of a cluster's node on a virtual Pi that outlives them, as a board does: what they brought is gone after their removal.
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planAddresses } from "../../addressing/delegation.ts";
import { difference, snapshotScript } from "../../test/host-snapshot.ts";
import { Machine } from "../../test/machine.ts";
import { testStack } from "../../toolchain/providers/shared/stack.ts";
import { hostArch, type ProductName } from "../../toolchain/products.ts";
import { NodeNetwork } from "../network/node-network.ts";
import { Resolver } from "../network/resolver.ts";
import { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { ToolchainProduct } from "../node/toolchain-product.ts";
import { ContainerRuntime } from "./container-runtime.ts";
import { ControlPlane } from "./control-plane.ts";
import { Etcd } from "./etcd.ts";
import { Registry } from "./registry.ts";
import { Worker } from "./worker.ts";

const prefix = "fd7e:ea4c:0:fc";
const zone = "peak.";
let machine: Machine;
beforeAll(() => {
  machine = new Machine("peaknode", prefix);
}, 600_000);
afterAll(() => machine?.[Symbol.dispose](), 60_000);

/** What runs on a steering node, as `Cluster` puts it there. */
function node(): void {
  const plan = planAddresses(`${prefix}::/64`, undefined);
  const host: Host = {
    name: "pi1", role: "steering", number: 1, arch: hostArch, ula: machine.address, global: undefined, answers: true, incarnation: "first",
    connection: pulumi.secret({ host: machine.address, user: "root", privateKey: machine.key("operator"), hostKey: machine.key("host.pub").trim() }),
    resource: new random.RandomUuid("host"),
    lifetime: undefined,
  };
  const keys = { kubernetes: [1], etcd: [1], registry: [1], tokens: [1] } as never;
  const on = (product: ProductName) => new Binaries(`on-${product}`, { host, product: new ToolchainProduct(product, { product, arch: hostArch }) });
  const kubernetes = on("kubernetes");
  const registry = new Registry("registry", { host, generations: [1] as never });
  const etcd = new Etcd("etcd", { host, binaries: on("etcd"), generations: [1] as never });
  const controlPlane = new ControlPlane("control-plane", { host, binaries: kubernetes, etcd, plan, keys });
  const network = new NodeNetwork("network", { host, own: plan.node(1), peers: [plan.node(2)] });
  const runtime = new ContainerRuntime("runtime", { host, binaries: on("containerd"), registry: registry.access });
  new Worker("worker", { host, binaries: kubernetes, runtime, controlPlane, plan }, { dependsOn: network });
  new Resolver("resolver", { host, zone, servers: [{ name: `root1.ns.${zone}`, address: machine.address }], allow: [`${prefix}::/64`] });
}

const pod = JSON.stringify({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "trial" },
  spec: {
    tolerations: [{ operator: "Exists" }],
    containers: [{ name: "pause", image: "peak.local/pause:1", imagePullPolicy: "Never", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
  },
});

test("a node with a pod that runs, from a bare machine to a bare machine", async () => {
  await using subject = await testStack(async () => node());
  for (const name of ["toolchain", "programs"]) symlinkSync(resolve(name), join(subject.dir, name));
  const before = machine.ssh(snapshotScript).stdout;
  await subject.stack.up();
  const kubectl = "/opt/peak/kubernetes/bin/kubectl --kubeconfig=/etc/peak/kubernetes/super-admin.kubeconfig --cache-dir=/tmp/cache";
  const started = machine.ssh(`set -e
    i=0; until ${kubectl} -n default get serviceaccount default > /dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.3; done
    echo '${pod}' | ${kubectl} apply -f -
    ${kubectl} wait --for=condition=Ready --timeout=120s pod/trial
    rm -rf /tmp/cache`);
  expect(started).toMatchObject({ status: 0 });
  expect(difference(before, machine.ssh(snapshotScript).stdout).length).toBeGreaterThan(100);
  expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: expect.any(Number) as number });
  // The keys of authorities are protected: who destroys lifts that first.
  const state = JSON.stringify(await subject.stack.exportStack()).replaceAll('"protect":true', '"protect":false');
  await subject.stack.importStack(JSON.parse(state) as Parameters<typeof subject.stack.importStack>[0]);
  await subject.stack.destroy();
  expect(difference(before, machine.ssh(snapshotScript).stdout)).toEqual([]);
}, 900_000);
