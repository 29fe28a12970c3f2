import { Command } from "commander";
import { stackOf, stackOption, takeStack } from "../stacks.ts";

/** `./peak pulumi ...`: the engine's own command line, on the stack as ./peak runs it. */
export function pulumi(): Command {
  return new Command("pulumi")
    .description("run the Pulumi engine's own command line, with the stack's backend, passphrase and plugins")
    .usage("[--stack NAME] ARGUMENTS...")
    .addOption(stackOption())
    .argument("[args...]", "arguments of pulumi, passed on as they are, e.g. stack export")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[], _options: object, command: Command) => {
      const args = takeStack(command, words, "anywhere", true);
      const stack = stackOf(command);
      const { bringEngine } = await import("../engine/session.ts");
      const { interruptibly } = await import("../interrupt.ts");
      const { pulumiArguments, pulumiEnvironment, requireSensible } = await import("../engine/pass-through.ts");
      const { requireThere } = await import("../engine/outputs.ts");
      const { screenOn } = await import("../display/screen.ts");
      const { LOCAL } = await import("../stacks.ts");
      const { become } = await import("../exec.ts");
      if (stack === LOCAL && args[0] !== "version" && args[0] !== "help") await requireThere(stack);
      const engine = await (async () => {
        using screen = screenOn(process.stderr);
        return await interruptibly((text) => screen.line(text), (signal) => bringEngine(stack, screen, signal));
      })();
      requireSensible(stack, args);
      become(engine, pulumiArguments(stack, args), "", pulumiEnvironment(stack));
    });
}
