import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import dnsPacket from "dns-packet";
import { labelOf } from "../kubernetes/claim.ts";
import { addressesIn, encodeQuery } from "../testing/client.ts";
import { FakeApiServer, fakePod } from "../testing/fake-api-server.ts";
import { FakePrometheus } from "../testing/fake-prometheus.ts";
import { parseEndpoint, type Endpoint } from "../wire/endpoint.ts";

/** Seconds between two steering rounds. */
const INTERVAL = 2;
const DOMAIN = "web.peak";

/** A server in the role cluster with a number of pods in one steered domain, between an API server and a Prometheus that are ours. */
export class BenchCluster {
  readonly size: number;
  /** The pod with the lowest load. */
  best = 0;
  /** When Prometheus was last asked, milliseconds. */
  askedAt = 0;
  readonly name = DOMAIN;
  private readonly addresses: string[];
  private readonly api = new FakeApiServer();
  private readonly prometheus: FakePrometheus;
  private readonly folder = mkdtempSync(join(tmpdir(), "peak-bench-steering-"));
  private readonly socket: Socket = createSocket("udp6");
  private server: { child: ChildProcess; endpoint: Endpoint } | undefined;

  constructor(size: number) {
    this.size = size;
    this.addresses = Array.from({ length: size }, (_, i) => `fd00::1:${(i + 1).toString(16)}`);
    this.prometheus = new FakePrometheus(() => {
      this.askedAt = performance.now();
      return this.addresses.map((_, i) => [{ namespace: "default", pod: `p${i}` }, i === this.best ? "1" : String(10 + (i % 7))]);
    });
  }

  /** @param prefix command to run the server under */
  async start(prefix: readonly string[]): Promise<void> {
    await Promise.all([this.api.start(), this.prometheus.start()]);
    for (let i = 0; i < this.size; i++) this.applyPod(i);
    const config = {
      role: "cluster",
      listen: ["[::1]:0"],
      zone: "peak",
      nameServers: [{ name: "ns1.cluster.peak" }],
      kubernetes: { kubeconfig: "kubeconfig" },
      prometheus: { url: this.prometheus.url, interval: INTERVAL },
    };
    writeFileSync(join(this.folder, "kubeconfig"), this.api.kubeconfig());
    writeFileSync(join(this.folder, "config.yaml"), JSON.stringify(config));
    const serve = [process.execPath, join(import.meta.dirname, "../main.ts"), "serve", "--config", join(this.folder, "config.yaml")];
    const [command, ...args] = [...prefix, ...serve];
    const child = spawn(command!, args, { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface(child.stderr)) {
      if (!line.includes('"serving"')) continue;
      this.server = { child, endpoint: parseEndpoint((JSON.parse(line) as { listen: string[] }).listen[0]!)! };
      break;
    }
    child.stderr.resume();
    if (!this.server) throw new Error("the server ended before it served");
    await this.answers(DOMAIN, this.addresses[0]!);
  }

  get pid(): number {
    return this.server!.child.pid!;
  }

  get endpoint(): Endpoint {
    return this.server!.endpoint;
  }

  /** Gives a pod another address, as an event of the API server. */
  movePod(i: number): void {
    const [prefix, round] = /^(.*::)(\d+):/.exec(this.addresses[i]!)!.slice(1) as [string, string];
    this.addresses[i] = `${prefix}${(Number(round) % 9999) + 1}:${(i + 1).toString(16)}`;
    this.applyPod(i);
  }

  /** Waits until a pod's own name leads to its address. */
  async seesPod(i: number): Promise<void> {
    await this.answers(`${labelOf({ uid: `uid-of-default-p${i}`, namespace: "default", name: `p${i}` })}.${DOMAIN}`, this.addresses[i]!);
  }

  /** Waits until the domain leads to the pod with the lowest load. */
  async seesBest(): Promise<void> {
    await this.answers(DOMAIN, this.addresses[this.best]!);
  }

  async stop(): Promise<void> {
    this.socket.close();
    if (this.server) {
      const closed = once(this.server.child, "close");
      this.server.child.kill();
      await closed;
    }
    await Promise.all([this.api.stop(), this.prometheus.stop()]);
    rmSync(this.folder, { recursive: true });
  }

  private applyPod(i: number): void {
    const annotations = {
      "dns.peak/probe": "off",
      "dns.peak/loadbalance": 'load{namespace="%namespace%",pod=~"%pods%"}',
      "dns.peak/loadbalance-mode": "singlebest",
    };
    this.api.apply(fakePod(`p${i}`, { domain: "web", addresses: [this.addresses[i]!], annotations }));
  }

  /** Asks, again and again, until the answer is one address. */
  private async answers(name: string, address: string): Promise<void> {
    const query = encodeQuery(name, "AAAA");
    const end = performance.now() + 60_000;
    while (performance.now() < end) {
      this.socket.send(query, this.endpoint.port, this.endpoint.address);
      const [message] = (await once(this.socket, "message", { signal: AbortSignal.timeout(5000) })) as [Buffer];
      const given = addressesIn(dnsPacket.decode(message));
      if (given.length === 1 && given[0] === address) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`${name} does not lead to ${address}`);
  }
}
