import { join } from "node:path";
import * as kubernetes from "@pulumi/kubernetes";
import { expect, test } from "vitest";
import { testStack } from "../toolchain/providers/shared/stack.ts";

const policyPacks = [join(import.meta.dirname, "pack")];

// A cluster that is away: a preview needs none.
const kubeconfig = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "nowhere", cluster: { server: "https://[::1]:1" } }],
  users: [{ name: "nobody", user: {} }],
  contexts: [{ name: "nowhere", context: { cluster: "nowhere", user: "nobody" } }],
  "current-context": "nowhere",
});

test("a violation stops a preview, and the same program passes when it is mended", async () => {
  let image = "registry.example/echo:latest";
  let type = "NodePort";
  await using subject = await testStack(async () => {
    const provider = new kubernetes.Provider("nowhere", { kubeconfig });
    const metadata = { name: "echo", namespace: "default", labels: { app: "echo" }, annotations: { "dns.peak/domain": "echo.peak" } };
    const bounds = { cpu: "100m", memory: "64Mi" };
    new kubernetes.core.v1.Pod(
      "echo",
      {
        metadata,
        spec: {
          containers: [
            {
              name: "echo",
              image,
              resources: { requests: bounds, limits: bounds },
              securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true },
            },
          ],
        },
      },
      { provider },
    );
    new kubernetes.core.v1.Service(
      "echo",
      { metadata: { name: "echo", namespace: "default" }, spec: { type, selector: { app: "echo" }, ports: [{ port: 80 }] } },
      { provider },
    );
  });
  await expect(subject.stack.preview({ policyPacks })).rejects.toThrow(
    /pinned-images[^]*container "echo" has image "registry.example\/echo:latest"/,
  );

  image = "registry.example/echo:0123456789ab";
  await expect(subject.stack.preview({ policyPacks })).rejects.toThrow(/direct-workloads[^]*selects the pods of Pod "echo"/);

  type = "ClusterIP";
  const { changeSummary } = await subject.stack.preview({ policyPacks });
  expect(changeSummary.create).toBe(4);
}, 600_000);
