/** A stack whose program changes from one update to the next, as the tests of this plugin need it. */

import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import * as shared from "../shared/stack.ts";

export type Program = () => Promise<Record<string, unknown> | void>;

export interface Changes {
  /** Operations by kind: `create`, `update`, `replace`, `same`, ... */
  readonly summary: Readonly<Record<string, number>>;
  /** All that the engine printed. */
  readonly output: string;
  /** Of an update. */
  readonly outputs: OutputMap;
}

export interface TestStack extends AsyncDisposable {
  /** @param signal interrupts the engine, as Ctrl-C does */
  up(program: Program, signal?: AbortSignal): Promise<Changes>;
  preview(program: Program): Promise<Changes>;
  refresh(program: Program): Promise<Changes>;
  destroy(): Promise<void>;
  /** The state as the backend stores it. */
  storedState(): Promise<string>;
}

export async function testStack(): Promise<TestStack> {
  const { stack, storedState, [Symbol.asyncDispose]: dispose } = await shared.testStack(async () => undefined);
  return {
    async up(program, signal) {
      stack.workspace.program = program;
      const { stdout, stderr, summary, outputs } = await stack.up({ color: "never", ...(signal === undefined ? {} : { signal }) });
      return { summary: summary.resourceChanges ?? {}, output: stdout + stderr, outputs };
    },
    async preview(program) {
      stack.workspace.program = program;
      const { stdout, stderr, changeSummary } = await stack.preview({ color: "never", diff: true });
      return { summary: changeSummary, output: stdout + stderr, outputs: {} };
    },
    async refresh(program) {
      stack.workspace.program = program;
      const { stdout, stderr, summary } = await stack.refresh({ color: "never" });
      return { summary: summary.resourceChanges ?? {}, output: stdout + stderr, outputs: {} };
    },
    destroy: async () => void (await stack.destroy()),
    storedState,
    [Symbol.asyncDispose]: dispose,
  };
}
