import { expect, test, vi } from "vitest";
import { runStack } from "./mocks.ts";

// A second entry in the list of services, and its folder, which has what services/echo has.
vi.mock("../../components/service/services.ts", async (original) => {
  const { services } = await original<typeof import("../../components/service/services.ts")>();
  const hello = { domain: "hello", replicas: 2, environment: { GREETING: "hi" } };
  return { services: (...args: Parameters<typeof services>) => ({ ...services(...args), hello, worker: { replicas: 1 } }) };
});
vi.mock("../../programs/images/tree.ts", async (original) => {
  const { diskTree } = await original<typeof import("../../programs/images/tree.ts")>();
  const there = (path: string): string => path.replace(/^services\/(hello|worker)\//, "services/echo/");
  return {
    diskTree: (root: string) => {
      const tree = diskTree(root);
      return { read: (path: string) => tree.read(there(path)), list: (folder: string) => tree.list(folder) };
    },
  };
});

test("an entry in the list of services is all that another service takes: image, namespace, pods, name and output follow", async () => {
  const { resources, outputs } = await runStack("local");
  const of = (name: string) => resources.filter((resource) => resource.name === name || resource.name === `${name}-image`).map(({ type }) => type);
  const all = [
    "peak:images:Image", "command:local:Command",
    "peak:service:Service", "kubernetes:core/v1:Namespace", "kubernetes:apps/v1:Deployment",
  ];
  for (const name of ["echo", "hello", "worker"]) expect(of(name).sort(), name).toEqual([...all].sort());
  expect(outputs["names"]).toEqual(["echo.peak.", "hello.peak."]);
  expect(outputs["services"]).toEqual({ echo: "http://echo.peak/", hello: "http://hello.peak/" });

  const build = resources.find(({ type, name }) => type === "command:local:Command" && name === "hello-image")!;
  const { value } = build.inputs["stdin"] as { value: string };
  expect(JSON.parse(value)).toMatchObject({ image: { name: "hello", entry: "services/hello/main.ts" } });
  const deployment = resources.find(({ type, name }) => type === "kubernetes:apps/v1:Deployment" && name === "hello")!;
  expect(deployment.inputs).toMatchObject({
    metadata: { namespace: "hello" },
    spec: { replicas: 2, template: { metadata: { labels: { "dns.peak/domain": "hello" } } } },
  });
});
