import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../shell/run.ts";
import { Clone } from "./clone.ts";

/** Objects that come and go by themselves. */
const restless = new Set(["componentstatuses", "events", "events.events.k8s.io", "leases.coordination.k8s.io"]);

const name = "peakmini";
const group = "e2f";

/** A cluster on virtual Pis that is not the stack's under test, with what a minikube has: a context, and storage for those who claim some. */
export class ForeignCluster extends Clone {
  readonly nodes = ["pi1", "pi2"];
  readonly #files = mkdtempSync(join(tmpdir(), "peak-e2e-cluster-"));

  constructor() {
    super(name, group);
    this.edit("index.ts", () => 'export { default } from "./test/e2e/cluster-alone.ts";\n');
  }

  async bringUp(): Promise<void> {
    await this.output("up", "--nodes", `${this.nodes.length}`);
    await this.#provideStorage(4);
  }

  kubectl(...words: string[]): Promise<string> {
    return this.output("kubectl", ...words);
  }

  /** Runs something on a node. */
  on(node: string, ...words: string[]): Promise<string> {
    return this.output("ssh", node, ...words);
  }

  /** Runs something as somebody outside of the cluster, who reaches nodes and pods. */
  outside(...words: string[]): Promise<string> {
    return run("ip", ["netns", "exec", `${name}-client1`, ...words]);
  }

  /** Gives those outside a route to the addresses of services, as `minikube tunnel` does. */
  async tunnel(): Promise<void> {
    await this.outside("ip", "-6", "route", "add", `fd7e:ea4c:0:${group}::/112`, "via", this.addressOf("pi2"), "dev", "eth0", "onlink");
  }

  /** The address of a node inside the cluster. */
  addressOf(node: string): string {
    return `fd7e:ea4c:0:${group}:${node.slice("pi".length)}::1`;
  }

  /** Writes a kubeconfig with a context of that name, and tells its path. */
  async kubeconfig(context: string): Promise<string> {
    const config = JSON.parse(await this.kubectl("config", "view", "--raw", "-o", "json")) as {
      clusters: { cluster: object }[];
      users: { user: object }[];
    };
    const file = join(this.#files, "kubeconfig");
    writeFileSync(file, JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: context, cluster: config.clusters[0]!.cluster }],
      users: [{ name: context, user: config.users[0]!.user }],
      contexts: [{ name: context, context: { cluster: context, user: context } }],
    }), { mode: 0o600 });
    return file;
  }

  /** Kind and name of all that is in the cluster, sorted. */
  async objects(): Promise<string[]> {
    const kinds = (await this.kubectl("api-resources", "--verbs=list", "-o", "name")).trim().split("\n").filter((kind) => !restless.has(kind));
    const row = '{.kind} {.metadata.namespace}/{.metadata.name}{"\\n"}';
    const listed = await this.kubectl("get", kinds.join(","), "--all-namespaces", "-o", `jsonpath={range .items[*]}${row}{end}`);
    return listed.trim().split("\n").sort();
  }

  /** The images that the container runtime of a node has. */
  async images(node: string): Promise<string[]> {
    return (await this.on(node, "/opt/peak/containerd/bin/ctr", "--namespace", "k8s.io", "images", "ls", "-q")).trim().split("\n");
  }

  /** A default StorageClass, and volumes in place of what provisions them. */
  async #provideStorage(count: number): Promise<void> {
    const node = "pi2";
    const paths = Array.from({ length: count }, (_, index) => `/srv/volume${index}`);
    await this.on(node, "install", "-d", "-m", "777", ...paths);
    const volumes = paths.map((path, index) => ({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: `volume${index}` },
      spec: {
        storageClassName: "standard",
        capacity: { storage: "1Gi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Retain",
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] }] } },
      },
    }));
    const storageClass = {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "kubernetes.io/no-provisioner",
    };
    const file = join(this.#files, "storage.json");
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: [storageClass, ...volumes] }));
    await this.kubectl("apply", "-f", file);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    rmSync(this.#files, { recursive: true, force: true });
  }
}
