import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { parseConfig } from "../config/config.ts";
import type { Config } from "../config/roles.ts";
import { askServer } from "../control/client.ts";
import { explanation, type Explanation } from "../selection/explanation.ts";
import { startServer, type Server } from "../server.ts";
import { addressesIn, ask, eventually, freePort } from "../testing/client.ts";
import { FakeApiServer, fakePod } from "../testing/fake-api-server.ts";
import { FakePrometheus } from "../testing/fake-prometheus.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let api: FakeApiServer;
let prometheus: FakePrometheus;
let folder: string;
let loads: Record<string, string>;
beforeEach(async () => {
  api = new FakeApiServer();
  loads = {};
  prometheus = new FakePrometheus(() => Object.entries(loads).map(([pod, value]) => [{ namespace: "default", pod }, value]));
  folder = mkdtempSync(join(tmpdir(), "peakdns-steering-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  await Promise.all([api.start(), prometheus.start()]);
  cleanups.push(
    () => api.stop(),
    () => prometheus.stop(),
  );
  writeFileSync(join(folder, "kubeconfig"), api.kubeconfig());
});

function configuration(more: object = {}): Config {
  const config = {
    role: "cluster",
    listen: ["[::1]:0"],
    http: "[::1]:0",
    control: "control.sock",
    udp: "plain",
    zone: "peak",
    nameServers: [{ name: "ns1.cluster.peak" }],
    kubernetes: { kubeconfig: "kubeconfig" },
    prometheus: { url: prometheus.url, interval: 0.1, timeout: 1 },
    probe: { interval: 0.1 },
    ...more,
  };
  return parseConfig(JSON.stringify(config), join(folder, "test.yaml"));
}

async function start(): Promise<Server> {
  const server = await startServer(configuration());
  cleanups.push(() => server.close());
  return server;
}
const given = async (server: Server): Promise<string> => addressesIn(await ask(server.endpoints[0]!, "web.peak", "A")).join();
const settles = (server: Server, expected: string): Promise<unknown> =>
  eventually(
    () => given(server),
    (addresses) => addresses === expected,
  );
const explain = async (name = "web.peak"): Promise<Explanation> =>
  explanation.parse(await askServer(join(folder, "control.sock"), "GET", `/explain?name=${name}`));
const metricsOf = async (server: Server): Promise<string> => (await fetch(`http://[::1]:${server.http!.port}/metrics`)).text();

const pod = (last: number, annotations: Record<string, string> = {}): ReturnType<typeof fakePod> =>
  fakePod(`p${last}`, { domain: "web", addresses: [`127.0.0.${last}`], annotations: { "dns.peak/probe": "off", ...annotations } });
const STEERED = { "dns.peak/loadbalance": 'sum by (pod) (load{namespace="%namespace%",pod=~"%pods%"})' };

describe("a cluster's server", () => {
  test("leaves a loaded pod out of the answer and takes it back, and says why", async () => {
    for (const last of [2, 3, 4]) api.apply(pod(last, STEERED));
    loads = { p2: "1", p3: "1", p4: "9" };
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3");
    expect(await explain()).toMatchObject({
      name: "web.peak.",
      steering: { policy: "round-robin", query: { sent: 'sum by (pod) (load{namespace="default",pod=~"^(?:p2|p3|p4)$"})' } },
      targets: expect.arrayContaining([expect.objectContaining({ target: "default/p4", verdict: "overloaded", load: 9, before: "in" })]),
    });
    const metrics = await metricsOf(server);
    expect(metrics).toContain('peakdns_pods{domain="web.peak.",reason="in"} 2');
    expect(metrics).toContain('peakdns_pods{domain="web.peak.",reason="overloaded"} 1');
    expect(metrics).toContain('peakdns_pod_load{domain="web.peak.",pod="default/p4"} 9');
    loads = { p2: "1", p3: "1", p4: "1" };
    await settles(server, "127.0.0.2,127.0.0.3,127.0.0.4");
  });

  test("single-best follows the load; the last choice stays while Prometheus is away", async () => {
    for (const last of [2, 3]) api.apply(pod(last, { ...STEERED, "dns.peak/loadbalance-mode": "singlebest" }));
    loads = { p2: "5", p3: "1" };
    const server = await start();
    await settles(server, "127.0.0.3");
    loads = { p2: "5", p3: "9" };
    await settles(server, "127.0.0.2");
    await prometheus.stop();
    await eventually(
      async () => (await explain()).prometheus?.lost?.message ?? "",
      (message) => message.includes("ECONNREFUSED"),
    );
    expect(await given(server)).toBe("127.0.0.2");
    expect(await metricsOf(server)).toMatch(/peakdns_prometheus_age_seconds\{reason="refused"\} \d/);
  });

  test("leaves a crashed pod out long before Kubernetes says anything, and takes it back", async () => {
    const port = await freePort();
    const listeners = new Map<number, TcpServer>();
    const listen = async (last: number): Promise<void> => {
      const listener = createServer((socket) => socket.on("error", () => {}).destroy()).listen(port, `127.0.0.${last}`);
      await once(listener, "listening");
      listeners.set(last, listener);
      cleanups.push(() => listener.close());
    };
    for (const last of [2, 3, 4]) {
      await listen(last);
      api.apply(pod(last, { "dns.peak/probe": `tcp:${port}`, "dns.peak/ttl": "auto" }));
    }
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3,127.0.0.4");
    listeners.get(3)!.close();
    await settles(server, "127.0.0.2,127.0.0.4");
    expect(await explain()).toMatchObject({
      ttl: { seconds: 1 },
      targets: expect.arrayContaining([
        expect.objectContaining({
          target: "default/p3",
          state: "ready",
          verdict: "probe failed",
          probe: expect.objectContaining({ last: "refused" }),
        }),
      ]),
    });
    await listen(3);
    await settles(server, "127.0.0.2,127.0.0.3,127.0.0.4");
  });

  test("takes a new configuration without giving, for a moment, what it knows to be dead or overloaded", async () => {
    const port = await freePort();
    const listen = async (last: number): Promise<void> => {
      const listener = createServer((socket) => socket.on("error", () => {}).destroy()).listen(port, `127.0.0.${last}`);
      await once(listener, "listening");
      cleanups.push(() => listener.close());
    };
    for (const last of [2, 3, 4, 5]) {
      if (last !== 5) await listen(last);
      api.apply(pod(last, { ...STEERED, "dns.peak/probe": `tcp:${port}` }));
    }
    loads = { p2: "1", p3: "1", p4: "9" };
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3");
    const seen = new Set<string>();
    const reloaded = server.reload(configuration({ ttl: 7 }));
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([reloaded.then(() => true), given(server).then((addresses) => (seen.add(addresses), false))]);
    }
    seen.add(await given(server));
    expect([...seen]).toEqual(["127.0.0.2,127.0.0.3"]);
    expect((await explain()).ttl.seconds).toBe(7);
  });

  test("takes a new configuration while Prometheus is away: the last loads stay, and so does the time since when", async () => {
    for (const last of [2, 3, 4]) api.apply(pod(last, STEERED));
    loads = { p2: "1", p3: "1", p4: "9" };
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3");
    await prometheus.stop();
    const lostFor = async (): Promise<number> => (await explain()).prometheus?.lost?.seconds ?? 0;
    await eventually(lostFor, (seconds) => seconds > 0.3);
    await server.reload(configuration({ ttl: 7 }));
    expect(await given(server)).toBe("127.0.0.2,127.0.0.3");
    expect(await lostFor()).toBeGreaterThan(0.3);
    loads = { p2: "1", p3: "9", p4: "1" };
    await prometheus.start();
    await settles(server, "127.0.0.2,127.0.0.4");
  });

  test("tells of an answer without any load by an Event and metrics, and keeps out who was out", async () => {
    for (const last of [2, 3, 4]) api.apply(pod(last, STEERED));
    loads = { p2: "1", p3: "1", p4: "9" };
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3");
    loads = {};
    const metrics = await eventually(
      () => metricsOf(server),
      (text) => text.includes('peakdns_pods_without_load{domain="web.peak."} 3'),
    );
    expect(metrics).toMatch(/peakdns_steering_empty_answers_total [1-9]/);
    expect(await given(server)).toBe("127.0.0.2,127.0.0.3");
    expect((await explain()).targets.find(({ target }) => target === "default/p4")?.note).toMatch(/^has no load any more, and stays held back/);
    const [event] = await eventually(
      () => api.events,
      ({ length }) => length > 0,
      400,
    );
    expect(event).toMatchObject({ reason: "InvalidQuery", note: expect.stringContaining("gives no load of any of the 3 pods") });
  });

  test("asks for no more domains of a namespace than the configuration says, and tells the others by an Event and a metric", async () => {
    for (const last of [2, 3]) api.apply(pod(last, STEERED));
    api.apply(fakePod("z1", { domain: "zoo", addresses: ["127.0.0.9"], annotations: { "dns.peak/probe": "off", ...STEERED } }));
    const server = await startServer(configuration({ prometheus: { url: prometheus.url, interval: 0.1, timeout: 1, domainsPerNamespace: 1 } }));
    cleanups.push(() => server.close());
    const [event] = await eventually(
      () => api.events,
      ({ length }) => length > 0,
      400,
    );
    const note = expect.stringMatching(/^zoo.peak. is not steered by its query: the namespace default has more than 1 domains with queries/);
    expect(event).toMatchObject({ reason: "InvalidQuery", note });
    expect(await metricsOf(server)).toContain('peakdns_steering_unasked{domain="zoo.peak."} 1');
    expect((await explain("zoo.peak")).steering?.query.error).toMatch(/^the namespace default has more than 1/);
    expect(prometheus.queries.filter((query) => query.includes("z1"))).toEqual([]);
    expect(prometheus.queries.length).toBeGreaterThan(0);
  });

  test("tells the author of a broken query by an Event, and gives all pods", async () => {
    for (const last of [2, 3]) api.apply(pod(last, { "dns.peak/loadbalance": 'x{pod="%podname%"}' }));
    const server = await start();
    await settles(server, "127.0.0.2,127.0.0.3");
    const [event] = await eventually(
      () => api.events,
      ({ length }) => length > 0,
    );
    expect(event).toMatchObject({
      reason: "InvalidQuery",
      note: expect.stringContaining("web.peak. is not steered by its query: %podname%"),
    });
    expect((await explain()).steering?.query).toMatchObject({ broken: true });
  });

  test("is asked by a command that prints a table", async () => {
    api.apply(pod(2));
    const server = await start();
    await settles(server, "127.0.0.2");
    const command = spawn(
      process.execPath,
      [join(import.meta.dirname, "../main.ts"), "explain", "web.peak", "--control", join(folder, "control.sock")],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const text = (await command.stdout.setEncoding("utf8").toArray()).join("");
    expect(text).toMatch(/^answer +1 of 1 targets$/m);
    expect(text).toMatch(/^default\/p2 +in +\d+ s +- +- +ready +- +127\.0\.0\.2$/m);
  });

  test("explains names below a domain by that domain, and nothing that it does not serve", async () => {
    api.apply(pod(2));
    const server = await start();
    await settles(server, "127.0.0.2");
    expect((await explain("x.WEB.peak")).name).toBe("web.peak.");
    await expect(explain("other.peak")).rejects.toThrow("other.peak is no name");
  });
});

test("every metric of the dashboard is one that a server has", async () => {
  const target = z.object({ expr: z.string() });
  const panel = z.object({ title: z.string(), targets: z.array(target).default([]) });
  const { panels, templating } = z
    .object({ panels: z.array(panel), templating: z.object({ list: z.array(z.object({ definition: z.string().default("") })) }) })
    .parse(JSON.parse(readFileSync(join(import.meta.dirname, "../dashboards/peakdns.json"), "utf8")));
  const expressions = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ definition }) => definition),
  ];
  const used = new Set(expressions.flatMap((expression) => expression.match(/\b(?:peakdns|dns)_\w+/g) ?? []));
  const server = await start();
  const known = new Set(
    [...(await metricsOf(server)).matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === "histogram" ? [`${name}_bucket`] : [name],
    ),
  );
  expect(used.size).toBeGreaterThan(20);
  expect([...used].filter((name) => !known.has(name))).toEqual([]);
});
