import { readFileSync } from "node:fs";
import { run } from "../../shell/run.ts";
import { Clone } from "./clone.ts";
import { Traffic } from "./traffic.ts";
import { eventually } from "./wait.ts";

export interface Pod {
  name: string;
  node: string;
  address: string;
}

export interface Status {
  stack: string;
  nodes: { name: string; role: string; ready: boolean; ula: string; global: string }[];
  rootDns: { address: string; port: number };
  secondaryDns: { address: string; port: number }[];
  clusterDns: { address: string; port: number }[];
  names: string[];
  services: Record<string, string>;
}

/** What a client, an operator and the tests' own eyes see of a local stack. */
export class Stack extends Clone {
  kubectl(...words: string[]): Promise<string> {
    return this.output("kubectl", ...words);
  }

  onClient(...words: string[]): Promise<string> {
    return this.output("client", "--", ...words);
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.output("status", "--json")) as Status;
  }

  /** The echo pods that are ready and stay. */
  async echoPods(): Promise<Pod[]> {
    const { items } = JSON.parse(await this.kubectl("get", "pods", "-n", "echo", "-o", "json")) as {
      items: {
        metadata: { name: string; deletionTimestamp?: string };
        spec: { nodeName: string };
        status: { podIP?: string; conditions?: { type: string; status: string }[] };
      }[];
    };
    return items
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"))
      .map(({ metadata, spec, status }) => ({ name: metadata.name, node: spec.nodeName, address: status.podIP! }));
  }

  /**
   * What a client's resolver answers for the name, sorted. Asked as often as a stub resolver does, twice; and in the
   * client's namespace itself, so that it works while `./peak up` does.
   */
  async resolve(): Promise<string[]> {
    const said = await run("ip", ["netns", "exec", this.#client, "dig", "+short", "+tries=2", "+time=5", "echo.peak.", "AAAA"]);
    return said.split("\n").filter((line) => line.trim() !== "").sort();
  }

  /** Waits until the name leads to exactly the ready pods, `count` of them. */
  namedPods(count: number): Promise<Pod[]> {
    return eventually(`echo.peak. leads to ${count} ready pods, and to nothing else`, 120, async () => {
      const pods = await this.echoPods();
      const addresses = pods.map((pod) => pod.address).sort();
      return pods.length === count && JSON.stringify(await this.resolve()) === JSON.stringify(addresses) ? pods : undefined;
    });
  }

  /** Waits until the cluster is as it was: all nodes and pods ready, and the name leads to all of echo's. */
  async settled(): Promise<void> {
    await eventually("every node is ready", 120, async () => ((await this.status()).nodes.every(({ ready }) => ready) ? true : undefined));
    await this.kubectl("wait", "--for=condition=Available", "--timeout=120s", "deployment", "--all", "--all-namespaces");
    await this.namedPods(4);
  }

  /** Why each pod is in or out of the answer, as the cluster's servers say. */
  explain(): Promise<string> {
    return this.output("explain", "echo.peak");
  }

  /** A steady stream of questions and requests from a client, until it is stopped. */
  async traffic(what: string): Promise<Traffic> {
    return new Traffic(what, this.#client, "echo.peak", (await this.status()).clusterDns.map(({ address }) => address));
  }

  /** Kills a process on a node: the first that the shell expression prints the number of. */
  async kill(node: string, expression: string): Promise<void> {
    const pid = (await this.output("ssh", node, expression)).trim().split("\n")[0];
    if (!pid) throw new Error(`${node}: no process found by ${expression}`);
    await this.output("ssh", node, `kill -9 ${pid}`);
  }

  /** Ends all processes of a node at once. @returns the process that still cleans up behind them */
  killNode(name: string): number {
    const processes = this.leftovers()["processes"] as { pid: number; command: string }[];
    const container = processes.find(({ command }) => new RegExp(`systemd-nspawn .*--machine=${name} `).test(command))!.pid;
    // With its first process, the kernel ends all processes of the node.
    process.kill(Number(readFileSync(`/proc/${container}/task/${container}/children`, "utf8").trim()), "SIGKILL");
    return container;
  }

  get #client(): string {
    return `${this.environment.PEAK_LOCAL_NAME}-client1`;
  }
}
