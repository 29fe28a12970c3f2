import type { KubernetesObject } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import type { Kind } from "./kubernetes/facts.ts";
import { startServer } from "./server.ts";
import { examplesIn, guide } from "./testing/documents.ts";
import { plain, pod, slice, TestInventory } from "./testing/objects.ts";

const examples = examplesIn(guide);

test("every configuration in the guide is a good one", () => {
  const configurations = examples.filter((example) => "role" in example);
  expect(configurations.map(({ role }) => role).sort()).toEqual(["cluster", "cluster", "root", "root", "secondary", "secondary"]);
  for (const configuration of configurations) parseConfig(JSON.stringify(configuration), "documents.yaml");
});

test("every object in the guide makes the name that it says it makes", () => {
  const objects = examples.filter((example) => "kind" in example) as unknown as KubernetesObject[];
  const answers = objects.map((object) => {
    const inNamespace = { ...object, metadata: { namespace: object.kind === "Namespace" ? "" : "shop", ...object.metadata } };
    const owned = object.kind === "Deployment" ? { controller: "Deployment/shop" } : {};
    const cluster = new TestInventory()
      .apply("Pod", pod("a", { ip: "fd00::a", ...owned }))
      .apply("EndpointSlice", slice("shop-1", "shop", [{ name: "http", port: 80 }], { a: "fd00::a" }))
      .apply("Service", { ...plain("shop"), ...{ spec: { clusterIP: "None", ports: [{ name: "http", port: 80 }] } } })
      .apply(object.kind as Kind, inNamespace);
    return [object.kind, cluster.answer("shop.peak"), cluster.faults()];
  });
  expect(answers).toEqual(["Deployment", "Namespace", "Ingress", "Service"].map((kind) => [kind, ["fd00::a"], []]));
});

test("the guide names every metric, and no other", async () => {
  const config = { role: "root", listen: ["[::1]:0"], http: "[::1]:0", zone: "peak", records: "@ 5 SOA ns h 1 1 1 1 1\n@ 5 NS ns.\n" };
  const server = await startServer(parseConfig(JSON.stringify(config), "documents.yaml"));
  const text = await (await fetch(`http://[::1]:${server.http!.port}/metrics`)).text();
  await server.close();
  const known = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!).filter((name) => !/^peakdns_(process|nodejs)_/.test(name));
  const section = /^## Metrics\n([^]*)/m.exec(guide)![1]!;
  const named = [...section.matchAll(/`((?:peakdns|dns)_\w+?)(?:\{.*?\})?`/g)].map(([, name]) => name!);
  expect(named.filter((name) => name !== "peakdns_").toSorted()).toEqual(known.toSorted());
});
