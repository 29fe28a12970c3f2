import { hashSync } from "bcryptjs";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { writeCertificate } from "../testing/certificate.ts";
import { eventually, freePort } from "../testing/client.ts";
import { examplesIn, guide } from "../testing/documents.ts";
import { testDomain, testTarget } from "../testing/domain.ts";
import { plain, pod, TestInventory } from "../testing/objects.ts";
import type { CertificateFiles } from "../transport/certificate.ts";
import type { AccessSettings } from "./access.ts";
import { Prometheus, type QueryError } from "./prometheus.ts";
import { Steering } from "./steering.ts";

const bounds = { domainsPerNamespace: 100, queriesPerRound: 2000 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A real Prometheus that scrapes an exporter of ours twice a second. */
class RealPrometheus {
  readonly url: string;
  private readonly args: string[];
  private process: ChildProcess | undefined;

  /** @param web file that says who is let in, over TLS */
  constructor(folder: string, port: number, exporter: number, web?: string) {
    this.url = `${web === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    const config = join(folder, "prometheus.json");
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: "500ms", scrape_timeout: "500ms" },
        scrape_configs: [{ job_name: "pods", honor_labels: true, static_configs: [{ targets: [`127.0.0.1:${exporter}`] }] }],
      }),
    );
    this.args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
      ...(web === undefined ? [] : [`--web.config.file=${web}`]),
    ];
  }

  private readonly isReady = (): Promise<boolean> =>
    fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );

  async start(isReady = this.isReady): Promise<void> {
    this.process = spawn("prometheus", this.args, { stdio: "ignore" });
    await once(this.process, "spawn");
    await eventually(isReady, Boolean, 800);
  }

  async kill(): Promise<void> {
    const running = this.process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    running.kill("SIGKILL");
    await once(running, "exit");
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.process?.kill(name);
  }
}

/** Whether it is said of a Prometheus that has scraped nothing yet. */
const isEarly = (message: string): boolean => message.startsWith("it succeeds and gives no load");

/** Loads by pod, as an exporter shows them. */
const loads = new Map<string, string>();
/** What else it shows, as text. */
let more = (): string => "";

async function start(): Promise<RealPrometheus> {
  const exporter = createServer((_, response) =>
    response
      .writeHead(200, { "content-type": "text/plain; version=0.0.4" })
      .end([...loads].map(([pod, load]) => `load{namespace="shop",pod="${pod}"} ${load}\n`).join("") + more()),
  );
  exporter.listen(0, "127.0.0.1");
  await once(exporter, "listening");
  const folder = mkdtempSync(join(tmpdir(), "peakdns-prometheus-"));
  cleanups.push(
    () => rmSync(folder, { recursive: true }),
    () => exporter.close(),
    () => exporter.closeAllConnections(),
  );
  const prometheus = new RealPrometheus(folder, await freePort(), (exporter.address() as AddressInfo).port);
  cleanups.push(() => prometheus.kill());
  await prometheus.start();
  return prometheus;
}

function steer(url: string, policy: "round-robin" | "single-best", query: string, pods: readonly string[]) {
  const faults: string[] = [];
  const prometheus = { url, interval: 0.2, timeout: 0.5, parallel: 16, ...bounds };
  const settings = { prometheus, clusterName: "c1", readmissionMargin: 0.1, maxHeld: 0.5 };
  const steering = new Steering(settings, { changed: () => {}, fault: (_, message) => void (isEarly(message) || faults.push(message)) });
  cleanups.push(() => steering.stop());
  const candidates = pods.map((name) => testTarget(name));
  const domain = testDomain({ targets: candidates, steering: { policy, query, threshold: { kind: "average-relative", factor: 1.5 } } });
  const given = (): string =>
    steering
      .select(domain, candidates)
      .chosen.map(({ name }) => name)
      .join();
  const settles = (expected: string): Promise<unknown> => eventually(given, (now) => now === expected, 800);
  return { steering, domain, faults, given, settles };
}

test.each([
  ["one request for all", 'avg_over_time(load{namespace="%namespace%",pod=~"%pods%"}[2s])'],
  ["one request for each", 'load{namespace="%namespace%",pod="%pod-name%"}'],
])("follows the loads that a real Prometheus scrapes: %s", async (_, query) => {
  for (const pod of ["web-0", "web.1", "web-2"]) loads.set(pod, "10");
  loads.set("webx1", "1000");
  const { url } = await start();
  const roundRobin = steer(url, "round-robin", query, ["web-0", "web.1", "web-2"]);
  const singleBest = steer(url, "single-best", query, ["web-0", "web.1", "web-2"]);
  loads.set("web.1", "90");
  await roundRobin.settles("web-0,web-2");
  await singleBest.settles("web-0");
  loads.set("web-0", "NaN");
  await roundRobin.settles("web-0,web-2");
  await singleBest.settles("web-2");
  loads.set("web-0", "10");
  loads.set("web.1", "10");
  await roundRobin.settles("web-0,web.1,web-2");
});

test("what a real Prometheus calls no PromQL is the author's fault; a query that it cannot evaluate is too, and may heal", async () => {
  for (const pod of ["web-0", "web.1"]) loads.set(pod, "10");
  const { url } = await start();
  const broken = steer(url, "round-robin", 'sum(load{pod=~"%pods%"}', ["web-0"]);
  broken.given();
  await eventually(
    () => broken.faults.length,
    (count) => count === 1,
    800,
  );
  expect(broken.steering.report(broken.domain.name)?.query).toMatchObject({ broken: true, error: expect.stringContaining("parse error") });
  const failing = steer(url, "round-robin", "load / ignoring(pod) load", ["web-0"]);
  failing.given();
  await eventually(
    () => failing.faults.length,
    (count) => count === 1,
    800,
  );
  expect(failing.steering.report(failing.domain.name)?.query).toMatchObject({
    broken: false,
    error: expect.stringContaining("many-to-many"),
  });
});

test("a real Prometheus that is suspended or killed freezes what was chosen last", async () => {
  loads.clear();
  for (const [pod, load] of Object.entries({ a: "10", b: "10", c: "90" })) loads.set(pod, load);
  const prometheus = await start();
  const { steering, given, settles } = steer(prometheus.url, "round-robin", 'load{pod=~"%pods%"}', ["a", "b", "c"]);
  await settles("a,b");
  prometheus.signal("SIGSTOP");
  await eventually(
    () => steering.lostSince()?.reason,
    (reason) => reason === "timeout",
    800,
  );
  expect(given()).toBe("a,b");
  prometheus.signal("SIGCONT");
  await eventually(
    () => steering.lostSince(),
    (lost) => lost === undefined,
    800,
  );
  await prometheus.kill();
  await eventually(
    () => steering.lostSince()?.reason,
    (reason) => reason === "refused",
    800,
  );
  expect(given()).toBe("a,b");
  loads.set("a", "90");
  loads.set("c", "10");
  await prometheus.start();
  await settles("b,c");
});

/** Web servers since `start`, of which the last is busy, as the exporters of nginx and of programs show them. */
function webServers(pods: readonly string[], start: number): string {
  const seconds = (Date.now() - start) / 1000;
  return pods
    .flatMap((pod, i) => {
      const isBusy = i === pods.length - 1;
      const requests = Math.floor((isBusy ? 500 : 10) * seconds);
      const labels = `namespace="shop",pod="${pod}"`;
      const bucket = (le: string, count: number): string => `http_request_duration_seconds_bucket{${labels},le="${le}"} ${count}`;
      return [
        `nginx_connections_active{${labels}} ${isBusy ? 90 : 10}`,
        `nginx_http_requests_total{${labels}} ${requests}`,
        `process_cpu_seconds_total{${labels}} ${(isBusy ? 0.9 : 0.01) * seconds}`,
        bucket("0.1", isBusy ? 0 : requests),
        bucket("0.5", requests),
        bucket("+Inf", requests),
      ];
    })
    .join("\n")
    .concat("\n");
}

test("every example of steering in the guide takes the busy pod out, or gives a TTL", async () => {
  const pods = ["web-0", "web-1", "web-2", "web-3"];
  const begin = Date.now();
  more = () => webServers(pods, begin);
  cleanups.push(() => (more = () => ""));
  const { url } = await start();
  const examples = examplesIn(guide).filter((example) => Object.keys(example).some((key) => /^dns\.peak\/(loadbalance|ttl)$/.test(key)));
  expect(examples.length).toBeGreaterThan(7);
  for (const annotations of examples as Record<string, string>[]) {
    const cluster = new TestInventory()
      .apply("ConfigMap", plain("queries", {}, { data: { load: 'nginx_connections_active{pod=~"%pods%"}' } }))
      .apply("Pod", pod("a", { annotations: { "dns.peak/domain": "web", "dns.peak/probe": "off", ...annotations } }));
    expect([annotations, cluster.faults()]).toEqual([annotations, []]);
    const { steering: spec, ttl } = cluster.domains.get("web.peak")!;
    if (ttl?.kind === "auto") continue;
    const faults: string[] = [];
    const prometheus = { url, interval: 0.2, timeout: 1, parallel: 16, ...bounds };
    const settings = { prometheus, clusterName: "c1", readmissionMargin: 0.1, maxHeld: 0.5 };
    const steering = new Steering(settings, { changed: () => {}, fault: (_, message) => void (isEarly(message) || faults.push(message)) });
    const candidates = pods.map((name) => testTarget(name));
    const domain = testDomain({ targets: candidates, steering: spec, ttl });
    const now = (): string => {
      const selection = steering.select(domain, candidates);
      return spec ? selection.chosen.map(({ name }) => name).join() : String(selection.ttl);
    };
    const expected = !spec ? "5" : spec.policy === "single-best" ? "web-0" : "web-0,web-1,web-2";
    await eventually(now, (found) => found === expected, 1600);
    steering.stop();
    expect(faults).toEqual([]);
  }
}, 60_000);

test("a real Prometheus that wants TLS, a client certificate and a password is asked with them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "peakdns-prometheus-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const certificate = async (name: string): Promise<CertificateFiles> => {
    mkdirSync(join(folder, name));
    return writeCertificate(join(folder, name), "127.0.0.1");
  };
  const [server, own, other] = [await certificate("server"), await certificate("own"), await certificate("other")];
  const clients = { client_ca_file: own.certificate, client_auth_type: "RequireAndVerifyClientCert" };
  const tls = { cert_file: server.certificate, key_file: server.key, ...clients };
  const password = join(folder, "password");
  writeFileSync(password, "secret\n");
  const web = join(folder, "web.json");
  writeFileSync(web, JSON.stringify({ tls_server_config: tls, basic_auth_users: { peak: hashSync("secret", 4) } }));
  const prometheus = new RealPrometheus(folder, await freePort(), 1, web);
  cleanups.push(() => prometheus.kill());
  const asked = async (access: Partial<AccessSettings>): Promise<string> => {
    const client = new Prometheus({ url: prometheus.url, timeout: 5, parallel: 1, ca: server.certificate, ...access });
    const outcome = await client.query("1").then(
      ({ samples }) => String(samples[0]?.value),
      ({ reason }: QueryError) => reason,
    );
    client.close();
    return outcome;
  };
  const good = { certificate: own.certificate, key: own.key, user: "peak", passwordFile: password };
  await prometheus.start(async () => (await asked(good)) === "1");
  expect(await asked({ ...good, user: "other" })).toBe("unauthorized");
  expect(await asked({ ...good, ca: other.certificate })).toBe("tls");
  expect(await asked({ ...good, certificate: other.certificate, key: other.key })).not.toBe("1");
}, 60_000);

test("a round of 1,000 pods is one request that a real Prometheus answers fast", async () => {
  loads.clear();
  const pods = Array.from({ length: 1000 }, (_, i) => `web-7d9f8b6c5-${i.toString(36).padStart(5, "x")}`);
  for (const pod of pods) loads.set(pod, "1");
  const { url } = await start();
  const direct = new Prometheus({ url, timeout: 5, parallel: 1 });
  await eventually(
    () => direct.query("count(load)"),
    ({ samples }) => samples[0]?.value === 1000,
    800,
  );
  const { steering, settles } = steer(url, "round-robin", 'load{namespace="%namespace%",pod=~"%pods%"}', pods);
  loads.set(pods[0]!, "5");
  await settles(pods.slice(1).join());
  await eventually(
    () => steering.counts().rounds,
    (rounds) => rounds > 3,
  );
  const { lastRoundSeconds, requests, rounds } = steering.counts();
  // one at once, then one a round
  expect(requests - rounds).toBeLessThanOrEqual(2);
  process.stderr.write(`a round of 1,000 pods: ${lastRoundSeconds?.toFixed(3)} s\n`);
});
