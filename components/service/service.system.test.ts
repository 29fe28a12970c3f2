import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testStack } from "../../toolchain/providers/shared/stack.ts";
import type { Settings } from "../config.ts";
import { Service, type ServiceArgs } from "./service.ts";
import { services } from "./services.ts";

const json = await readFile(join(import.meta.dirname, "echo-deployment.json"), "utf8");
const remember = join(import.meta.dirname, "../../test/harness/remember.ts");

/** Echo as a stack has it that was made before services were components of one kind. */
class Echo extends pulumi.ComponentResource {
  constructor(name: string) {
    super("peak:experiment:Echo", name);
    new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this });
    new k8s.apps.v1.Deployment(name, JSON.parse(json) as k8s.apps.v1.DeploymentArgs, { parent: this });
  }
}

const echo = (echoReplicas: number): ServiceArgs => ({ ...services({ echoReplicas } as Settings)["echo"]!, zone: "peak.", image: "IMAGE" });

let plugins: string;
beforeAll(async () => {
  plugins = await mkdtemp(join(tmpdir(), "peak-remember-"));
  await writeFile(join(plugins, "pulumi-resource-kubernetes"), `#!/bin/sh\nexec "$PEAK_NODE" '${remember}'\n`, { mode: 0o755 });
});
afterAll(() => rm(plugins, { recursive: true, force: true }));

test("a stack that has the old Echo takes the new one for the same, and a change of it for a change of the same objects", async () => {
  await using made = await testStack(async () => void new Echo("echo"), { env: { PATH: [plugins, process.env["PATH"]].join(delimiter) } });
  const { stack } = made;
  try {
    const before = await stack.up();
    stack.workspace.program = async () => void new Service("echo", echo(4));
    const unchanged = await stack.preview();
    const after = await stack.up();
    stack.workspace.program = async () => void new Service("echo", echo(5));
    const scaled = await stack.preview();

    expect(before.summary.resourceChanges).toEqual({ create: 4 }); // the stack, the component, a namespace, a Deployment
    expect(unchanged.changeSummary).toEqual({ same: 4 });
    expect(after.summary.resourceChanges).toEqual({ same: 4 });
    expect(scaled.changeSummary).toEqual({ same: 3, update: 1 });
    const state = JSON.parse(await made.storedState()) as { checkpoint: { latest: { resources: { urn: string }[] } } };
    const urns = state.checkpoint.latest.resources.map(({ urn }) => urn);
    expect(urns).toContain("urn:pulumi:test::plugins::peak:service:Service$kubernetes:apps/v1:Deployment::echo");
    expect(urns.join()).not.toContain("Echo");
  } finally {
    await stack.destroy();
  }
});
