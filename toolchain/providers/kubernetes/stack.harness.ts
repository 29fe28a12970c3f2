/** A Pulumi stack for tests: the real engine, state in a temporary directory, inline programs, and this plugin. */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import * as automation from "@pulumi/pulumi/automation/index.js";
import { provide } from "../../provide.ts";

type Program = () => Promise<Record<string, unknown> | void>;

export interface Changes {
  /** Operations by kind: `create`, `update`, `replace`, `same`, ... */
  readonly summary: Readonly<Record<string, number>>;
  /** All that the engine printed. */
  readonly output: string;
  readonly outputs: automation.OutputMap;
}

export interface TestStack extends AsyncDisposable {
  /** @param signal interrupts the engine, as Ctrl-C does */
  up(program: Program, signal?: AbortSignal): Promise<Changes>;
  preview(program: Program): Promise<Changes>;
  refresh(program: Program): Promise<Changes>;
  destroy(): Promise<void>;
  /** The checkpoint as it is stored. */
  state(): Promise<string>;
}

/** @param environment variables for the engine and the plugin, beside the ambient ones */
export async function testStack(environment: Readonly<Record<string, string>> = {}): Promise<TestStack> {
  const engine = await provide("engine", arch() === "arm64" ? "arm64" : "amd64");
  const directory = await mkdtemp(join(tmpdir(), "peak-stack-"));
  const pulumiCommand = await automation.PulumiCommand.get({ root: engine.dir });
  const path = [join(engine.dir, "bin"), join(import.meta.dirname, "../bin"), dirname(process.execPath), process.env["PATH"]];
  const options: automation.LocalWorkspaceOptions = {
    pulumiCommand,
    workDir: directory,
    projectSettings: { name: "test", runtime: "nodejs", backend: { url: `file://${directory}` } },
    envVars: {
      PATH: path.join(delimiter),
      PEAK_NODE: process.execPath,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_HOME: join(directory, "home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      ...environment,
    },
  };
  const idle: Program = async () => undefined;
  const stack = await automation.LocalWorkspace.createOrSelectStack({ stackName: "test", projectName: "test", program: idle }, options);

  const withProgram = async <T>(program: Program, run: () => Promise<T>): Promise<T> => {
    stack.workspace.program = program;
    return run();
  };
  const destroy = async (): Promise<void> => void (await stack.destroy({ onOutput: () => undefined }));
  return {
    up: (program, signal) =>
      withProgram(program, async () => {
        const { stdout, stderr, summary, outputs } = await stack.up({ color: "never", ...(signal === undefined ? {} : { signal }) });
        return { summary: summary.resourceChanges ?? {}, output: stdout + stderr, outputs };
      }),
    preview: (program) =>
      withProgram(program, async () => {
        const { stdout, stderr, changeSummary } = await stack.preview({ color: "never", diff: true });
        return { summary: changeSummary, output: stdout + stderr, outputs: {} };
      }),
    refresh: (program) =>
      withProgram(program, async () => {
        const { stdout, stderr, summary } = await stack.refresh({ color: "never" });
        return { summary: summary.resourceChanges ?? {}, output: stdout + stderr, outputs: {} };
      }),
    destroy,
    state: () => readFile(join(directory, ".pulumi/stacks/test/test.json"), "utf8"),
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}
