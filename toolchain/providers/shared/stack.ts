import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { LocalWorkspace, PulumiCommand, type EngineEvent, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import type { Arch } from "../../products.ts";
import { provide } from "../../provide.ts";

/** A stack for tests of the bundled plugins: real engine, inline program, state and project in a temporary folder. */
export interface TestStack extends AsyncDisposable {
  readonly stack: Stack;
  /** Working directory of the program, and so of its commands. */
  readonly dir: string;
  /** The state as the backend stores it. */
  storedState(): Promise<string>;
  /** Runs with the plugins in this folder from now on: `bundled`, or the folder of official ones. */
  usePlugins(folder: string): void;
}

/** The folder of the bundled plugins. */
export const bundled = join(import.meta.dirname, "..", "bin");

export interface TestStackOptions {
  /** Environment variables for the engine and its plugins. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders to put on the engine's PATH beside the bundled plugins. */
  readonly path?: readonly string[];
}

/** Makes an empty stack for a program. Its folder is removed when the stack is disposed of; the test destroys what it deployed. */
export async function testStack(program: PulumiFn, { env = {}, path = [] }: TestStackOptions = {}): Promise<TestStack> {
  const arch: Arch = process.arch === "arm64" ? "arm64" : "amd64";
  const engine = await provide("engine", arch, { log: { step: (text) => process.stderr.write(`${text}\n`), update: () => {} } });
  const dir = await mkdtemp(join(tmpdir(), "peak-plugin-"));
  const pathWith = (plugins: string): string => [plugins, ...path, process.env["PATH"] ?? ""].join(delimiter);
  const stack = await LocalWorkspace.createStack(
    { stackName: "test", projectName: "plugins", program },
    {
      workDir: dir,
      // Without this the program, and with it every command, would run where the tests were started.
      projectSettings: { name: "plugins", runtime: "nodejs", main: dir },
      pulumiCommand: await PulumiCommand.get({ root: engine.dir }),
      envVars: {
        PATH: pathWith(bundled),
        PEAK_NODE: process.execPath,
        PULUMI_HOME: join(dir, ".pulumi"),
        PULUMI_BACKEND_URL: `file://${dir}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...env,
      },
    },
  );
  return {
    stack,
    dir,
    storedState: () => readFile(join(dir, ".pulumi", "stacks", "plugins", "test.json"), "utf8"),
    usePlugins: (folder) => void (stack.workspace.envVars["PATH"] = pathWith(folder)),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

/** The messages that an engine event brings, without colours. */
export function diagnosticOf(event: EngineEvent): string {
  // The engine's colour tags look like <{%reset%}>.
  return (event.diagnosticEvent?.message ?? "").replaceAll(/<\{%.*?%\}>/g, "").trim();
}
