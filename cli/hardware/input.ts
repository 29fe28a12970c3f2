import { checkInput, type Input } from "../../components/input.ts";
import { committedConfig, committedStackFile } from "../engine/stack-file.ts";
import { UsageError } from "../errors.ts";

/** What a stack is told, without asking the engine. @throws UsageError with every fault of its configuration and its inventory */
export async function readStackInput(stack: string): Promise<Input & { path: string }> {
  const text = await committedStackFile(stack);
  const texts = Object.fromEntries(Object.entries(await committedConfig(stack)).map(([key, value]) => [key, String(value)]));
  const input = checkInput(texts, { file: `Pulumi.${stack}.yaml`, text });
  if (Array.isArray(input))
    throw new UsageError(`what the stack ${stack} is told has faults:\n${input.map((fault) => `  ${fault}`).join("\n")}`);
  return { ...input, path: texts["peak:inventory"]! };
}
