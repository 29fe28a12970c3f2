import { Command } from "commander";
import { stackOf, stackOption, takeStack } from "../stacks.ts";

/** `./peak kubectl ...`: kubectl with the stack's kubeconfig. */
export function kubectl(): Command {
  return new Command("kubectl")
    .description("run kubectl on the stack's cluster")
    .usage("[--stack NAME] ARGUMENTS...")
    .addOption(stackOption())
    .argument("[args...]", "arguments of kubectl, passed on as they are")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[], _options: object, command: Command) => {
      const args = takeStack(command, words, "anywhere");
      const stack = stackOf(command);
      const { become } = await import("../exec.ts");
      const { kubectlBinary } = await import("../kubectl.ts");
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { kubectlAccess } = await import("../credentials.ts");
      const access = await kubectlAccess(stack, await requireOutputs(stack));
      become(await kubectlBinary(), [...access.args, ...args], "", access.env);
    });
}
