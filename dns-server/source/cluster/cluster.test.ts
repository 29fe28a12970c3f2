import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../config/config.ts";
import type { ClusterConfig } from "../../config/roles.ts";
import { startServer } from "../../server.ts";
import { eventually } from "../../testing/client.ts";
import { startFakeApi, type FakeApiServer } from "../../testing/fake-api-server.ts";
import { ingress, node, pod, service, slice } from "../../testing/objects.ts";
import { findZone } from "../../view/view.ts";
import { Type } from "../../wire/constants.ts";
import { foldName, parseName } from "../../wire/name.ts";
import { formatRdata } from "../../wire/rdata.ts";
import { lookup } from "../../zone/lookup.ts";
import type { Source } from "../source.ts";
import { clusterSource } from "./cluster.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let api: FakeApiServer;
let kubeconfig: string;
beforeEach(async () => {
  ({ api, kubeconfig } = await startFakeApi(cleanups));
});

/** A source whose first view is complete. */
async function start(more: object = {}, changed: (since: readonly number[]) => void = () => {}, old?: Source): Promise<Source> {
  const yaml = {
    role: "cluster",
    listen: ["[::1]:0"],
    zone: "peak",
    kubernetes: { kubeconfig },
    nameServers: [{ name: "ns1.cluster.peak" }],
    ...more,
  };
  const source = clusterSource(parseConfig(JSON.stringify(yaml), "test.yaml") as ClusterConfig, changed, old);
  cleanups.push(() => source.stop());
  await eventually(
    () => source.view().loading.length,
    (length) => length === 0,
    800,
  );
  return source;
}

function answer(source: Source, text: string, type: number = Type.AAAA): string[] {
  const name = foldName(parseName(text));
  const zone = findZone(source.view(), name, type);
  return zone
    ? lookup(zone, name, type)
        .answer.flatMap(({ rrset }) => rrset.rdatas.map((rdata) => formatRdata(rrset.type, rdata)))
        .sort()
    : ["refused"];
}

const settles = (source: Source, text: string, expected: string[], type?: number): Promise<string[]> =>
  eventually(
    () => answer(source, text, type),
    (found) => found.join() === expected.join(),
  );

const web = (name: string, ip: string, annotations: Record<string, string> = {}): ReturnType<typeof pod> =>
  pod(name, { ip, annotations: { "dns.peak/domain": "web", ...annotations } });

const applyIngress = (): void => {
  api.apply(service("web", { clusterIP: "None", ports: [{ port: 80 }] }), "Service");
  api.apply(slice("web-1", "web", [{ port: 80 }], { a: "fd00::a" }), "EndpointSlice");
  api.apply(ingress("i", [{ host: "shop.peak" }]), "Ingress");
};

describe("a view of a cluster", () => {
  test("follows objects of all kinds", async () => {
    api.apply(web("a", "fd00::a"));
    applyIngress();
    const source = await start();
    expect(answer(source, "web.peak")).toEqual(["fd00::a"]);
    expect(answer(source, "shop.peak")).toEqual(["fd00::a"]);
    api.apply(pod("b", { ip: "fd00::b" }));
    api.apply(slice("web-1", "web", [{ port: 80 }], { a: "fd00::a", b: "fd00::b" }), "EndpointSlice");
    await settles(source, "shop.peak", ["fd00::a", "fd00::b"]);
    api.apply(node("n", "Unknown"), "Node");
    api.apply(pod("a", { ip: "fd00::a", node: "n", annotations: { "dns.peak/domain": "web" } }));
    api.apply(web("c", "fd00::c"));
    await settles(source, "web.peak", ["fd00::c"]);
    // with no other that is ready, what was given before is
    api.remove("shop", "c", "Pod");
    await settles(source, "web.peak", ["fd00::a"]);
    api.remove("shop", "i", "Ingress");
    await settles(source, "shop.peak", ["refused"]);
  });

  test("tells the times of the changes that it has", async () => {
    const times: number[] = [];
    const source = await start({}, (since) => times.push(...since));
    const before = Date.now();
    api.apply(web("a", "fd00::a"));
    await settles(source, "web.peak", ["fd00::a"]);
    expect(times).toHaveLength(1);
    expect(times[0]).toBeGreaterThanOrEqual(before);
    expect(times[0]).toBeLessThanOrEqual(Date.now());
  });

  test("does without kinds that it may not read, but not without pods", async () => {
    api.forbidden.add("Node").add("Ingress").add("ConfigMap");
    api.apply(web("a", "fd00::a"));
    applyIngress();
    const source = await start();
    expect(answer(source, "web.peak")).toEqual(["fd00::a"]);
    expect(answer(source, "shop.peak")).toEqual(["refused"]);
    expect(source.lost()).toBeUndefined();
    // a permission that is granted later is found
    api.forbidden.clear();
    await eventually(
      () => answer(source, "shop.peak"),
      (found) => found.join() === "fd00::a",
      800,
    );
  });

  test("does without a kind that cannot be listed, after some seconds, and finds it when it can be", async () => {
    api.failing.add("ConfigMap").add("Ingress");
    api.apply(web("a", "fd00::a"));
    applyIngress();
    const source = await start();
    expect([answer(source, "web.peak"), answer(source, "shop.peak")]).toEqual([["fd00::a"], ["refused"]]);
    expect(source.pods!.watch().missing).toEqual(["ConfigMap", "Ingress"]);
    api.failing.clear();
    await eventually(
      () => answer(source, "shop.peak"),
      (found) => found.join() === "fd00::a",
      800,
    );
    await eventually(
      () => source.pods!.watch().missing.length,
      (count) => count === 0,
      800,
    );
  });

  test("does without a kind whose list never ends", { timeout: 30_000 }, async () => {
    api.endless.add("ConfigMap");
    api.apply(web("a", "fd00::a"));
    const source = await start();
    expect(answer(source, "web.peak")).toEqual(["fd00::a"]);
    expect(source.pods!.watch().missing).toEqual(["ConfigMap"]);
  });

  test("goes on when the command that gives the token fails as a watch ends", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peakdns-exec-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const [command, broken] = [join(folder, "token"), join(folder, "broken")];
    const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential" };
    const status = { token: "t", expirationTimestamp: new Date(0).toISOString() };
    writeFileSync(command, `#!/bin/sh\n[ -e ${broken} ] && exit 1\necho '${JSON.stringify({ ...credential, status })}'\n`, { mode: 0o755 });
    const config = JSON.parse(api.kubeconfig()) as { users: { user: object }[] };
    config.users[0]!.user = { exec: { apiVersion: credential.apiVersion, command, interactiveMode: "Never" } };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const rejected: unknown[] = [];
    const note = (error: unknown): void => void rejected.push(error);
    process.on("unhandledRejection", note);
    cleanups.push(() => process.off("unhandledRejection", note));
    api.apply(web("a", "fd00::a"));
    const source = await start();
    writeFileSync(broken, "");
    api.endWatches();
    await eventually(
      () => source.lost(),
      (lost) => lost !== undefined,
      800,
    );
    rmSync(broken);
    api.apply(web("b", "fd00::b"));
    await settles(source, "web.peak", ["fd00::a", "fd00::b"]);
    expect(rejected).toEqual([]);
  });

  test("drops an object that is deleted in a form that cannot be read", async () => {
    api.apply(web("a", "fd00::a"));
    api.apply(web("b", "fd00::b"));
    const source = await start();
    await settles(source, "web.peak", ["fd00::a", "fd00::b"]);
    const broken = { ...web("b", "fd00::b"), spec: { containers: "none" } } as never;
    api.apply(broken);
    api.remove("shop", "b");
    await settles(source, "web.peak", ["fd00::a"]);
  });

  describe("kept in a file", () => {
    let file: string;
    beforeEach(() => {
      const folder = mkdtempSync(join(tmpdir(), "peakdns-view-"));
      cleanups.push(() => rmSync(folder, { recursive: true }));
      file = join(folder, "some", "view.json");
    });
    /** A source that may never be complete. */
    const open = (more: object = {}): Source => {
      const config = { role: "cluster", listen: ["[::1]:0"], zone: "peak", kubernetes: { kubeconfig }, nameServers: [{ name: "ns1.cluster.peak" }], file, ...more };
      const source = clusterSource(parseConfig(JSON.stringify(config), "test.yaml") as ClusterConfig, () => {});
      cleanups.push(() => source.stop());
      return source;
    };
    const saved = (text: string): Promise<boolean> =>
      eventually(
        () => existsSync(file) && readFileSync(file, "utf8").includes(text),
        (isThere) => isThere,
        400,
      );

    test("is served by the next process while the API is away, and is told to be old", async () => {
      api.apply(pod("a", { ip: "fd00::a", ip4: "192.0.2.1", annotations: { "dns.peak/domain": "web", "dns.peak/probe": "off" }, ports: { https: 8443 } }));
      api.apply(web("b", "fd00::b"));
      const first = open();
      await saved("fd00::b");
      await api.stop();
      // as after kill -9: the first one is not asked to end
      const at = Date.now() / 1000 - 1000;
      utimesSync(file, at, at);
      const second = open();
      expect(answer(second, "web.peak")).toEqual(["fd00::a", "fd00::b"]);
      expect(answer(second, "web.peak", Type.A)).toEqual(["192.0.2.1"]);
      expect(answer(second, "_https._tcp.web.peak", Type.SRV)).toEqual(answer(first, "_https._tcp.web.peak", Type.SRV));
      expect(second.lost()!.seconds).toBeGreaterThan(990);
      // whether others are there is not known
      expect(second.view().loading).toEqual([parseName("peak")]);
      await api.start();
      api.remove("shop", "b");
      await settles(second, "web.peak", ["fd00::a"]);
      expect(second.view().loading).toEqual([]);
      await eventually(
        () => second.lost(),
        (lost) => lost === undefined,
        800,
      );
      // a name that is gone by then is gone
      await first.stop();
      await second.stop();
      api.remove("shop", "a");
      const third = open();
      expect(answer(third, "web.peak")).toEqual(["fd00::a"]);
      await settles(third, "web.peak", ["refused"]);
    });

    test("keeps whose a name is", async () => {
      const claim = (namespace: string, created: number): ReturnType<typeof pod> =>
        pod("p", { namespace, created, ip: `fd00::${created}`, annotations: { "dns.peak/domain": "web" } });
      api.apply(claim("one", 5));
      const first = open();
      await saved('"namespace":"one"');
      // an older object that asks later
      api.apply(claim("two", 1));
      await first.stop();
      const second = open();
      await eventually(
        () => second.view().loading.length,
        (length) => length === 0,
        400,
      );
      expect(answer(second, "web.peak")).toEqual(["fd00::5"]);
    });

    test.each(["", "nonsense", '{"version":1,"owners":[],"published":[{"name":"web.peak."', '{"version":2}'])("is done without when it is broken: %j", async (text) => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      writeFileSync(`${file}.new`, "half a fi");
      api.apply(web("a", "fd00::a"));
      await settles(open(), "web.peak", ["fd00::a"]);
      await saved("fd00::a");
    });
  });

  test("waits for the permission to read pods", async () => {
    api.forbidden.add("Pod");
    api.apply(web("a", "fd00::a"));
    const started = start();
    await eventually(
      () => api.refused,
      (count) => count > 2,
    );
    api.forbidden.clear();
    expect(answer(await started, "web.peak")).toEqual(["fd00::a"]);
  });

  test("keeps what it knows of a kind that is forbidden later", async () => {
    api.apply(pod("a", { ip: "fd00::a" }));
    applyIngress();
    const source = await start();
    api.forbidden.add("Ingress");
    await api.stop();
    await api.start();
    await eventually(
      () => api.refused,
      (count) => count > 4,
      800,
    );
    expect(answer(source, "shop.peak")).toEqual(["fd00::a"]);
    expect(source.lost()).toMatchObject({ reason: "forbidden" });
  });

  test("leads vanity names to names of the cluster, whatever objects say", async () => {
    applyIngress();
    api.apply(ingress("j", [{ host: "*.all.peak" }]), "Ingress");
    const vanity = [
      { name: "*.shop.example", target: "shop.peak" },
      { name: "*.all.peak", target: "web.peak" },
    ];
    const source = await start({ vanity });
    expect(answer(source, "any.shop.example", Type.A)).toEqual(["shop.peak."]);
    expect(answer(source, "any.all.peak")).toEqual(["web.peak."]);
  });

  test("names other clusters' servers as the parent does, and goes on with a new configuration while that is away", async () => {
    const key = { name: "c1", secret: Buffer.alloc(32, 1).toString("base64") };
    const folder = mkdtempSync(join(tmpdir(), "peakdns-parent-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const parent = await startServer(
      parseConfig(
        JSON.stringify({
          role: "root",
          listen: ["[::1]:0"],
          udp: "plain",
          zone: "peak",
          records: "@ 5 SOA ns h 1 1 1 1 1\n@ 5 NS ns\nns 5 AAAA ::1\n",
          delegations: { web: [{ name: "ns1.other.peak", addresses: ["fd00::99"] }] },
          keys: [key],
          updates: { journal: "journal", grants: [{ key: "c1", delegateTo: ["ns1.cluster.peak"] }] },
        }),
        join(folder, "root.yaml"),
      ),
    );
    api.apply(web("a", "fd00::a"));
    const more = { register: { servers: [`[::1]:${parent.endpoints[0]!.port}`], key } };
    const both = ["ns1.cluster.peak.", "ns1.other.peak."];
    const first = await start(more);
    await settles(first, "web.peak", both, Type.NS);
    await parent.close();
    expect(answer(await start(more, undefined, first), "web.peak", Type.NS)).toEqual(both);
    expect(answer(await start({}, undefined, first), "web.peak", Type.NS)).toEqual(["ns1.cluster.peak."]);
  });

  test("delegates names below others in the zone above", async () => {
    api.apply(web("a", "fd00::a"));
    api.apply(pod("b", { ip: "fd00::b", annotations: { "dns.peak/domain": "api.web" } }));
    const source = await start();
    expect(answer(source, "api.web.peak")).toEqual(["fd00::b"]);
    const above = source.view().zones.get(foldName(parseName("web.peak")))!;
    expect(lookup(above, foldName(parseName("x.api.web.peak")), Type.AAAA)).toMatchObject({
      authoritative: false,
      authority: [{ rrset: { type: Type.NS } }],
    });
  });
});

describe("what servers write", () => {
  test("is one Event for a fault, by however many servers, and none for one that passes", async () => {
    api.apply(web("a", "fd00::a", { "dns.peak/ttl": "soon" }));
    api.apply(ingress("i", [{ host: "shop.peak" }]), "Ingress");
    await Promise.all([start(), start()]);
    // the Service comes a moment later
    applyIngress();
    await eventually(
      () => api.events.length,
      (count) => count > 0,
      800,
    );
    await eventually(
      () => api.conflicts,
      (count) => count > 0,
      800,
    );
    expect(api.events).toMatchObject([{ reason: "InvalidSetting", regarding: { kind: "Pod", name: "a" } }]);
  });

  test("is the status of an Ingress, once", async () => {
    applyIngress();
    const status = (): string => JSON.stringify((api.get("shop", "i", "Ingress") as { status?: unknown }).status);
    await start();
    await eventually(status, (found) => found === '{"loadBalancer":{"ingress":[{"hostname":"shop.peak"}]}}');
    const second = await start();
    api.apply(web("z", "fd00::f"));
    await settles(second, "web.peak", ["fd00::f"]);
    expect(api.statusWrites).toBe(1);
    api.apply(ingress("i", [{ host: "other.peak" }]), "Ingress");
    await eventually(status, (found) => found === '{"loadBalancer":{"ingress":[{"hostname":"other.peak"}]}}');
  });
});
