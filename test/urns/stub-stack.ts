import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type EngineEvent, LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { parse } from "yaml";
import { hostArch } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";
import { fakeContext } from "../harness/kube-context.ts";

/** A resource of a state, as `pulumi stack export` has it. */
export interface StateResource {
  urn: string;
  protect?: boolean;
  retainOnDelete?: boolean;
}

/** What the engine would do to a resource, or has done. */
export interface Step {
  op: string;
  urn: string;
  /** Property paths that differ. */
  changed: string[];
}

/** One of the project's stacks under the real engine, with plugins that have no effects (harness/stub-plugin.ts), and a state of its own. */
export interface StubStack extends AsyncDisposable {
  up(): Promise<Step[]>;
  preview(): Promise<Step[]>;
  resources(): Promise<StateResource[]>;
  /** Puts another text in place of the state. */
  editState(edit: (text: string) => string): Promise<void>;
}

/** Makes the stack, which is empty then. Its configuration is that of its Pulumi.STACK.yaml. */
export async function stubStack(name: string): Promise<StubStack> {
  const engine = await provide("engine", hostArch, { log: { step: (text) => process.stderr.write(`${text}\n`), update: () => {} } });
  const directory = await mkdtemp(join(tmpdir(), "peak-urns-"));
  // The program, which runs in this process, asks a cluster that exists what it is.
  const existing = await fakeContext("minikube");
  const before = { ...process.env };
  Object.assign(process.env, existing.env);
  const { config } = parse(await readFile(`Pulumi.${name}.yaml`, "utf8")) as { config: Record<string, unknown> };
  const stack = await LocalWorkspace.createStack(
    { stackName: name, projectName: "peak", program: async () => (await import("../../index.ts")).default() },
    {
      workDir: directory,
      projectSettings: { name: "peak", runtime: "nodejs", main: process.cwd() },
      pulumiCommand: await PulumiCommand.get({ root: engine.dir }),
      envVars: {
        PATH: [join(import.meta.dirname, "../harness/stub-plugins"), process.env["PATH"] ?? ""].join(delimiter),
        PEAK_NODE: process.execPath,
        PULUMI_HOME: join(directory, "home"),
        PULUMI_BACKEND_URL: `file://${directory}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    },
  );
  await stack.setAllConfig(Object.fromEntries(Object.entries(config).map(([key, value]) => [key, { value: String(value) }])));
  return {
    up: () => stepsOf((onEvent) => stack.up({ onEvent })),
    preview: () => stepsOf((onEvent) => stack.preview({ onEvent })),
    resources: async () => ((await stack.exportStack()).deployment as { resources: StateResource[] }).resources,
    editState: async (edit) => {
      const text = edit(JSON.stringify(await stack.exportStack()));
      await stack.importStack(JSON.parse(text) as Parameters<Stack["importStack"]>[0]);
    },
    async [Symbol.asyncDispose]() {
      process.env = before;
      await existing[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function stepsOf(operation: (onEvent: (event: EngineEvent) => void) => Promise<unknown>): Promise<Step[]> {
  const steps: Step[] = [];
  await operation(({ resourcePreEvent }) => {
    if (!resourcePreEvent) return;
    const { op, urn, detailedDiff } = resourcePreEvent.metadata;
    steps.push({ op, urn, changed: Object.keys(detailedDiff ?? {}) }); // null where nothing differs
  });
  return steps;
}
