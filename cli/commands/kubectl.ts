import { Command } from "commander";
import { stackOf } from "../stacks.ts";

/** `./peak kubectl ...`: kubectl with the stack's kubeconfig. */
export function kubectl(): Command {
  return new Command("kubectl")
    .description("run kubectl on the stack's cluster")
    .argument("[args...]", "arguments of kubectl, passed on as they are")
    .allowUnknownOption()
    .passThroughOptions()
    .helpOption(false)
    .action(async (args: string[], _options: object, command: Command) => {
      const stack = stackOf(command);
      const { become } = await import("../exec.ts");
      const { kubectlBinary } = await import("../kubectl.ts");
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { kubectlAccess } = await import("../credentials.ts");
      const access = await kubectlAccess(stack, await requireOutputs(stack));
      become(await kubectlBinary(), [...access.args, ...args], "", access.env);
    });
}
