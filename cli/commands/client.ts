import { Command } from "commander";
import { quote } from "../../shell/quote.ts";
import { requireRoot } from "../doctor/require.ts";
import { UsageError } from "../errors.ts";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak client -- CMD...`: a command on a client, where names are resolved from the root server on. */
export function client(): Command {
  return new Command("client")
    .description("run a command as a client: with its network and its resolver, which starts at the root DNS server")
    .usage("[--stack NAME] [--name NAME] -- COMMAND...")
    .addOption(stackOption())
    .option("--name <name>", "which client (default: the first)")
    .argument("<command...>", "what to run, passed on as it is")
    .passThroughOptions()
    .action(async (words: string[], { name }: { name?: string }, command: Command) => {
      const stack = stackOf(command);
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { sshArguments } = await import("../credentials.ts");
      const { findByName } = await import("../names.ts");
      const { become } = await import("../exec.ts");
      const outputs = await requireOutputs(stack);
      const [first] = outputs.clients;
      const chosen = name === undefined ? first : findByName("client", name, outputs.clients);
      if (!chosen) throw new UsageError(`the stack ${stack} has no clients`);
      if (chosen.emulated) {
        requireRoot();
        const { layout, namespace } = await import("../../programs/virtual/layout.ts");
        become("ip", ["netns", "exec", namespace(layout(), chosen.name), ...words], "install iproute2");
      }
      // A board's own resolver is for the board itself.
      become("ssh", [...(await sshArguments(stack, outputs, chosen)), "--", "/etc/peak/client/run", ...words.map(quote)], "install openssh-client");
    });
}
