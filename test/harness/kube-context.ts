import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { hostArch } from "../../toolchain/products.ts";

/** A kubeconfig with a context, for programs to start with. */
export interface FakeContext extends AsyncDisposable {
  /** What a program's environment needs for it: KUBECONFIG, and a PATH with stand-ins for minikube and for what builds images. */
  readonly env: { KUBECONFIG: string; PATH: string };
}

/** Stands in for a cluster of that context, as far as a preview asks it: which nodes it has. */
export async function fakeContext(context: string, nodes: object[] = [{ metadata: { name: "node", uid: "1" }, spec: { podCIDRs: ["fd00::/64"] } }]): Promise<FakeContext> {
  const items = nodes.map((node) => ({ status: { nodeInfo: { architecture: hostArch } }, ...node }));
  const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(JSON.stringify({ items })));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const directory = mkdtempSync(join(tmpdir(), "peak-kubeconfig-"));
  const file = join(directory, "config");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(file, JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: context, cluster: { server: url, "insecure-skip-tls-verify": true } }],
    users: [{ name: context, user: {} }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    "current-context": "",
  }));
  return {
    env: { KUBECONFIG: file, PATH: [...["minikube", "image-tools"].map((folder) => join(import.meta.dirname, folder)), process.env["PATH"]].join(delimiter) },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
