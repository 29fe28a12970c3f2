// The stack minikube end to end, on virtual Pis that are somebody else's cluster here. Of minikube there is a stand-in for its command, and
// of its registry add-on one for the registry. The tests build on one another, in this order.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OfficialCli } from "../harness/official-cli.ts";
import { Copy, type Ended } from "./clone.ts";
import { ForeignCluster } from "./foreign-cluster.ts";
import type { Status } from "./stack.ts";
import { eventually } from "./wait.ts";

const stack = ["--stack", "minikube"];
const standIns = join(import.meta.dirname, "../harness/minikube");

/** What the engine says at the end of an update. */
interface Summary {
  resourceChanges: Record<string, number>;
  PolicyPacks: Record<string, string>;
}

let scratch: string;
let cluster: ForeignCluster;
let operator: Copy;
let before: string[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "peak-e2e-minikube-"));
  mkdirSync(join(scratch, "backend"));
  cluster = new ForeignCluster();
  await cluster.bringUp();
  operator = new Copy({
    KUBECONFIG: await cluster.kubeconfig("minikube"),
    PULUMI_BACKEND_URL: `file://${scratch}/backend`,
    PULUMI_HOME: join(scratch, "pulumi"),
    PULUMI_CONFIG_PASSPHRASE: "test",
    MINIKUBE_NODES: cluster.nodes.map((node) => `${cluster.directory}/peak ssh ${node}`).join("\n"),
    PATH: [standIns, process.env["PATH"]].join(delimiter),
  });
  before = await cluster.objects();
});

afterAll(async () => {
  await operator?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

const up = () => operator.peak("up", ...stack, "--yes");
const said = ({ stdout, stderr }: Ended) => stdout + stderr;
const status = async () => JSON.parse(await operator.output("status", ...stack, "--json")) as Status;

/** Addresses of echo's pods that are ready and stay. */
async function echoPods(): Promise<string[]> {
  const { items } = JSON.parse(await cluster.kubectl("get", "pods", "-n", "echo", "-o", "json")) as {
    items: { metadata: { deletionTimestamp?: string }; status: { podIP?: string; conditions?: { type: string; status: string }[] } }[];
  };
  return items
    .filter(({ metadata, status }) => !metadata.deletionTimestamp && status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"))
    .map(({ status }) => status.podIP!)
    .sort();
}

/** Waits until the name leads to so many ready pods, and to nothing else: from the root server on, as a resolver outside goes. */
async function namedPods(count: number): Promise<string[]> {
  return eventually(`echo.peak. leads to ${count} ready pods, and to nothing else`, 180, async () => {
    const { rootDns, clusterDns } = await status();
    const referral = await cluster.outside("dig", "+norecurse", `@${rootDns.address}`, "echo.peak.", "AAAA");
    expect(referral).toMatch(/^echo\.peak\.\s+\d+\s+IN\s+NS\s+cluster\.ns\.peak\.$/m);
    const [, server] = /^cluster\.ns\.peak\.\s+\d+\s+IN\s+AAAA\s+(\S+)$/m.exec(referral)!;
    expect(clusterDns).toEqual([{ address: server, port: 53 }]);
    const answer = (await cluster.outside("dig", "+short", "+norecurse", `@${server}`, "echo.peak.", "AAAA")).split("\n").filter(Boolean).sort();
    const pods = await echoPods();
    return pods.length === count && JSON.stringify(pods) === JSON.stringify(answer) ? pods : undefined;
  });
}

/** What a pod answers to a client outside. */
const ask = (pod: string) => cluster.outside("curl", "-s", "--max-time", "10", "--resolve", `echo.peak:80:[${pod}]`, "http://echo.peak/");

/** Waits until nothing of the stack is in the cluster. */
async function expectNothingLeft(): Promise<void> {
  await eventually("the cluster is as it was", 60, async () => ((await cluster.objects()).join("\n") === before.join("\n") ? true : undefined)).catch(() => undefined);
  expect(await cluster.objects()).toEqual(before);
}

describe("before anything is made", () => {
  /** Both commands refuse it with the same words, and nothing comes of it. */
  async function expectRefused(words: string): Promise<void> {
    for (const command of [["preview"], ["up", "--yes"]]) {
      const { code, stderr } = await operator.start(...command, ...stack).ended;
      expect([code, stderr]).toEqual([2, expect.stringContaining(words)]);
    }
    expect(await cluster.objects()).toEqual(before);
  }

  test("a context together with hosts is refused", async () => {
    operator.edit("Pulumi.minikube.yaml", (text) => text.replace("inventory.minikube.yaml", "inventory.local.yaml"));
    await expectRefused("peak:kubeContext is set, and hardware/inventory.local.yaml has hosts");
    operator.edit("Pulumi.minikube.yaml", (text) => text.replace("inventory.local.yaml", "inventory.minikube.yaml"));
  });

  test("so is a machine without minikube, and without a registry in its place", async () => {
    const { PATH } = operator.environment;
    operator.environment["PATH"] = process.env["PATH"];
    await expectRefused("minikube is not on PATH");
    operator.environment["PATH"] = PATH;
  });

  test("preview says what cannot work there, and makes nothing", async () => {
    const preview = await operator.peak("preview", ...stack);
    expect(preview.code).toBe(0);
    expect(said(preview)).toContain("the nodes of minikube are not this stack's: it has one root server and one cluster server");
    expect(said(preview)).toMatch(/^preview: \d+ to create$/m);
    expect(await cluster.objects()).toEqual(before);
  });
});

describe("with images that minikube loads", () => {
  test("an update that is killed half way goes on in the next one", async () => {
    const { child, ended } = operator.start("up", ...stack, "--yes");
    const prometheus = ["get", "deployment", "-n", "monitoring", "prometheus", "-o", "jsonpath={.metadata.uid}"];
    const underWay = eventually("Prometheus is being deployed", 600, () => cluster.kubectl(...prometheus));
    const uid = await Promise.race([underWay, ended.then((early) => expect.fail(said(early)))]);
    const engine = Number(readFileSync(join(operator.directory, ".peak/minikube.engine"), "utf8"));
    for (const group of [engine, child.pid!]) process.kill(-group, "SIGKILL");
    await ended;

    const next = await up();
    expect(next.code).toBe(0);
    expect(said(next)).toContain("an earlier run was killed: its lock on the state has been removed");
    expect(said(next)).toMatch(/an earlier run was interrupted: \d+ unfinished operations? (is|are) done again/);
    expect(await cluster.kubectl(...prometheus)).toBe(uid);
  });

  test("every node has the images, and pods run them without pulling", async () => {
    const images = (await cluster.kubectl("get", "pods", "-A", "-o", 'jsonpath={range .items[*]}{.spec.containers[0].image}{"\\n"}{end}')).trim().split("\n");
    const ours = [...new Set(images.filter((image) => image.startsWith("localhost/peak/")))];
    expect(ours.map((image) => image.split(/[/:]/)[2]).sort()).toEqual(["echo", "peakdns", "prometheus"]);
    for (const node of cluster.nodes) expect(await cluster.images(node)).toEqual(expect.arrayContaining(ours));
  });

  test("the name leads to the pods, for whoever has a route", async () => {
    await cluster.tunnel();
    for (const pod of await namedPods(4)) expect(await ask(pod)).toContain('"pod":"echo-');
  });

  test("operators see into it", async () => {
    expect(await status()).toMatchObject({ stack: "minikube", state: "up", nodes: [], clients: [], names: ["echo.peak."], problems: [] });
    const [pod] = await echoPods();
    expect(await operator.output("explain", "echo.peak", ...stack)).toContain(pod);
    expect(await operator.output("refusals", ...stack)).toContain("no prefix is refused");
    expect(await operator.output("kubectl", ...stack, "get", "namespaces", "-o", "name")).toContain("namespace/echo\n");
    const nodes = await operator.start("ssh", ...stack, "pi1").ended;
    expect([nodes.code, nodes.stderr]).toEqual([2, expect.stringContaining("there is no host pi1: the stack has no hosts")]);
  });

  test("another up changes nothing, and neither does what the cluster made of it", async () => {
    expect(said(await up())).toMatch(/^up: \d+ unchanged$/m);
    expect(said(await operator.peak("refresh", ...stack, "--yes"))).toMatch(/^refresh: \d+ unchanged$/m);
  });
});

describe("another operator, with the official command line, on another clone, with an empty cache", () => {
  let other: Copy;
  let official: OfficialCli;
  beforeAll(async () => {
    other = new Copy({});
    const { KUBECONFIG, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, MINIKUBE_NODES, PATH } = operator.environment;
    // With its debug commands it knows --event-log.
    const env = { KUBECONFIG, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, MINIKUBE_NODES, PATH, PULUMI_DEBUG_COMMANDS: "true" };
    official = await OfficialCli.for({ clone: other.directory, home: join(scratch, "other"), env });
  });
  afterAll(() => other?.[Symbol.asyncDispose]());

  let updates = 0;
  /** How many resources an update changed how; with the policies. */
  const update = async () => {
    const log = join(scratch, `${++updates}.events`);
    await official.pulumi(["up", "-s", "minikube", "--yes", "--event-log", log, "--policy-pack", "policy/pack"]);
    const events = readFileSync(log, "utf8").trim().split("\n").map((line) => JSON.parse(line) as { summaryEvent?: Summary });
    const { resourceChanges, PolicyPacks } = events.findLast(({ summaryEvent }) => summaryEvent)!.summaryEvent!;
    expect(Object.keys(PolicyPacks)).toEqual([expect.stringContaining("peak")]);
    return resourceChanges;
  };

  test("changes nothing", async () => {
    expect(await update()).toEqual({ same: expect.any(Number) as number });
  });

  test("and changes what is changed", async () => {
    other.edit("Pulumi.minikube.yaml", (text) => text.replace(/echoReplicas: "?4"?/, "echoReplicas: 3"));
    other.edit("services/echo/app.ts", (text) => text.replace("{ ...self, requests }", "{ ...self, requests, edition: 2 }"));
    expect(await update()).toEqual({ same: expect.any(Number) as number, update: 1, replace: 1 });
    for (const pod of await namedPods(3)) expect(await ask(pod)).toContain('"edition":2');
  });

  test("which the first one takes back", async () => {
    expect(said(await up())).toMatch(/^up: \d+ unchanged, /m);
    for (const pod of await namedPods(4)) expect(await ask(pod)).not.toContain("edition");
  });
});

test("a part can be destroyed, and comes back", async () => {
  const part = await operator.peak("destroy", ...stack, "--yes", "--target", "Service echo");
  expect([part.code, said(part)]).toEqual([0, expect.stringMatching(/^destroy: \d+ unchanged, \d+ deleted$/m)]);
  expect(await cluster.kubectl("get", "namespaces", "-o", "name")).not.toContain("namespace/echo\n");
  expect(said(await up())).toMatch(/^up: \d+ unchanged, \d+ created$/m);
  await namedPods(4);
});

test("destroy leaves nothing in the cluster", async () => {
  expect((await operator.peak("destroy", ...stack, "--yes")).code).toBe(0);
  await expectNothingLeft();
});

describe("with images from the registry of the cluster", () => {
  const port = 5055;
  const registry = `localhost:${port}`;
  let forward: Awaited<ReturnType<typeof portForward>>;
  beforeAll(async () => {
    await addRegistry();
    forward = await portForward();
    operator.edit("Pulumi.minikube.yaml", (text) => text.replace('peak:imageRegistry: ""', `peak:imageRegistry: ${registry}`));
    operator.environment["PATH"] = process.env["PATH"]; // there need be no minikube
  });
  afterAll(() => forward?.[Symbol.asyncDispose]());

  /** As the add-on does: a registry without TLS on one node, and on each other node a way to it at its own localhost. */
  async function addRegistry(): Promise<void> {
    const [first, ...others] = cluster.nodes;
    const config = { version: "0.1", storage: { filesystem: { rootdirectory: "/srv/registry" } }, http: { addr: `:${port}` } };
    await cluster.on(first!, `echo '${JSON.stringify(config)}' > /srv/registry.yaml`);
    await cluster.on(first!, "systemd-run", "--unit=addon-registry", "--setenv=OTEL_TRACES_EXPORTER=none", "docker-registry", "serve", "/srv/registry.yaml");
    for (const node of others) {
      await cluster.on(node, "systemd-run", "--unit=addon-registry-proxy", `--socket-property=ListenStream=${port}`,
        "/lib/systemd/systemd-socket-proxyd", `${cluster.addressOf(first!)}:${port}`); // it knows no brackets
    }
  }

  /** Stands in for `kubectl port-forward`: the registry is at this machine's localhost, too. */
  async function portForward(): Promise<AsyncDisposable> {
    const server = createServer((client) => {
      const upstream = connect(port, cluster.addressOf(cluster.nodes[0]!));
      for (const [from, to] of [[client, upstream], [upstream, client]] as const) from.pipe(to).once("error", () => from.destroy());
      client.once("error", () => upstream.destroy());
      upstream.once("error", () => client.destroy());
    });
    await once(server.listen(port, "localhost"), "listening");
    return { [Symbol.asyncDispose]: async () => void server.close() };
  }

  test("up brings them there, and every node pulls them", async () => {
    const { code } = await up();
    expect(code).toBe(0);
    for (const pod of await namedPods(4)) expect(await ask(pod)).toContain('"pod":"echo-');
    const image = await cluster.kubectl("get", "deployment", "-n", "echo", "echo", "-o", "jsonpath={.spec.template.spec.containers[0].image}");
    expect(image).toMatch(new RegExp(`^${registry}/peak/echo:[0-9a-f]+@sha256:[0-9a-f]+$`));
    for (const node of cluster.nodes) await cluster.on(node, "/opt/peak/containerd/bin/ctr", "--namespace", "k8s.io", "images", "pull", "--plain-http", image);
    expect(said(await up())).toMatch(/^up: \d+ unchanged$/m);
  });

  test("destroy leaves nothing in the cluster, again", async () => {
    expect((await operator.peak("destroy", ...stack, "--yes")).code).toBe(0);
    await expectNothingLeft();
  });
});
