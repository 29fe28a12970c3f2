import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { run } from "../../shell/run.ts";
import type { ExportedStack } from "./state.ts";

/**
 * The state of a stack, its secrets in plain: so that it is known here, and not in the middle of an update, whether they can be read.
 * @throws CommandError with what the engine said
 */
export async function exportState(stack: Stack): Promise<ExportedStack> {
  return JSON.parse(await engine(stack, ["export", "--show-secrets"])) as ExportedStack;
}

/**
 * Puts another state in the place of a stack's. It goes by a pipe: it has the secrets in plain, and the SDK's own way leaves them in a file
 * that anybody may read.
 * @throws CommandError with what the engine said
 */
export async function importState(stack: Stack, state: ExportedStack): Promise<void> {
  await engine(stack, ["import"], JSON.stringify(state));
}

function engine({ name, workspace }: Stack, words: readonly string[], input?: string): Promise<string> {
  const env = { ...process.env, ...workspace.envVars };
  return run(workspace.pulumiCommand.command, ["stack", ...words, "--stack", name, "--non-interactive"], { cwd: workspace.workDir, env, input });
}
