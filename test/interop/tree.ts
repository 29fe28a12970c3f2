import { FakeApiServer, fakePod } from "../../dns-server/testing/fake-api-server.ts";
import { startPeakDns, type Folder, type Program } from "./program.ts";

/** Where the servers of the tree are, all on port 53. */
export const servers = { root: "fd53::", peak: "fd53::1", clusterA: "fd53::a", clusterB: "fd53::b" } as const;

const secret = Buffer.alloc(32, 7).toString("base64");

/** A TSIG key that may change the TXT records by which a CA is shown who has `*.peak.` and `ns1.peak.`. */
export const acmeKey = { name: "acme", secret } as const;

/** Lease of the delegations, seconds: the shortest. */
export const LEASE = 10;

interface Cluster {
  readonly api: FakeApiServer;
  /** Its name server. */
  server: Program;
}

/**
 * The DNS tree from its root down, each server a PeakDNS of its own: `.`, `peak.` below it, and below that the names that two clusters have
 * pods for, whose servers have delegated them to themselves by DNS UPDATE.
 */
export interface Tree {
  readonly root: Program;
  readonly peak: Program;
  readonly a: Cluster;
  readonly b: Cluster;
  /** Has cluster A serve its addresses with another TTL, in seconds. */
  setTtl(ttl: number): void;
  /** Starts the name server of cluster A once more, after it was stopped. */
  restartA(): Promise<void>;
  stop(): Promise<void>;
}

/** Master-file text of `.`, for servers; its first records are also the hints of resolvers. */
export const hints = [`. 3600 IN NS root.`, `root. 3600 IN AAAA ${servers.root}`];

export async function startTree(folder: Folder): Promise<Tree> {
  const started: Program[] = [];
  const peakDns = async (name: string, config: object): Promise<Program> => {
    const program = await startPeakDns(folder, name, config);
    started.push(program);
    return program;
  };
  const rootZone = folder.write("root.zone", [
    ". 3600 IN SOA root. hostmaster. 1 3600 600 86400 5",
    ...hints,
    "peak. 3600 IN NS ns1.peak.",
    `ns1.peak. 3600 IN AAAA ${servers.peak}`,
    "plain. 3600 IN TXT text",
  ]);
  const root = await peakDns("root", { role: "zones", listen: [`[${servers.root}]:53`], zones: [{ origin: ".", file: rootZone }] });
  const peak = await peakDns("peak", {
    role: "root",
    listen: [`[${servers.peak}]:53`],
    zone: "peak.",
    records: [
      "$TTL 3600",
      "@ SOA ns1 hostmaster 1 3600 600 86400 5",
      "@ NS ns1",
      `ns1 AAAA ${servers.peak}`,
      'www CNAME echo\nmail MX 10 www\n*.wild AAAA 2001:db8::f\nempty.non-terminal TXT "below"',
      `big TXT ${`"${"x".repeat(250)}" `.repeat(12)}`,
    ].join("\n"),
    keys: [...["a", "b"].map((name) => ({ name, secret })), acmeKey],
    updates: {
      journal: "journal",
      grants: [
        ...["a", "b"].map((name) => ({ key: name, delegateTo: [`ns1.${name}.peak.`] })),
        { key: acmeKey.name, names: ["_acme-challenge.peak.", "_acme-challenge.ns1.peak."], types: ["TXT"] },
      ],
    },
  });
  const clusterConfig = (name: string, address: string, ttl = 5): object => ({
    role: "cluster",
    listen: [`[${address}]:53`],
    zone: "peak.",
    ttl,
    nameServers: [{ name: `ns1.${name}.peak.`, addresses: [address] }],
    register: { servers: [`[${servers.peak}]:53`], key: { name, secret }, lease: LEASE },
    kubernetes: { kubeconfig: `${name}.kubeconfig` },
  });
  const cluster = async (name: string, address: string, pods: Record<string, readonly string[]>): Promise<Cluster> => {
    const api = new FakeApiServer();
    await api.start();
    folder.write(`${name}.kubeconfig`, api.kubeconfig());
    for (const [domain, addresses] of Object.entries(pods)) {
      addresses.forEach((item, i) => api.apply(fakePod(`${domain.replace(".", "-")}-${i}`, { domain, addresses: [item] })));
    }
    return { api, server: await peakDns(name, clusterConfig(name, address)) };
  };
  const a = await cluster("a", servers.clusterA, {
    echo: ["2001:db8:a::1", "2001:db8:a::2"],
    only: ["2001:db8:a::3"],
    "deep.er": ["2001:db8:a::4"],
  });
  const b = await cluster("b", servers.clusterB, { echo: ["2001:db8:b::1"] });
  return {
    root,
    peak,
    a,
    b,
    setTtl(ttl) {
      folder.write("a.yaml", JSON.stringify(clusterConfig("a", servers.clusterA, ttl)));
      a.server.hup();
    },
    async restartA() {
      a.server = await peakDns("a", clusterConfig("a", servers.clusterA));
    },
    async stop() {
      await Promise.all([...started.map((program) => program.stop("SIGKILL")), a.api.stop(), b.api.stop()]);
    },
  };
}
