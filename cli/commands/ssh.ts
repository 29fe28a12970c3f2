import { Command } from "commander";
import { stackOf, stackOption, takeStack } from "../stacks.ts";

/** `./peak ssh NODE [CMD...]`: a shell or a command on a node. */
export function ssh(): Command {
  return new Command("ssh")
    .description("log in to a node or a client board, or run a command on it")
    .usage("[--stack NAME] NODE [COMMAND...]")
    .addOption(stackOption())
    .argument("<node>", "name of the node or the board, e.g. pi1")
    .argument("[command...]", "what to run there, passed on as it is")
    .passThroughOptions()
    .action(async (name: string, following: string[], _options: object, command: Command) => {
      const words = takeStack(command, following, "first");
      const stack = stackOf(command);
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { sshArguments } = await import("../credentials.ts");
      const { findByName } = await import("../names.ts");
      const { become } = await import("../exec.ts");
      const outputs = await requireOutputs(stack);
      const hosts = [...outputs.nodes, ...outputs.clients.filter(({ emulated }) => !emulated)];
      const remote = words[0] === "--" ? words.slice(1) : words;
      become(
        "ssh",
        [...(await sshArguments(stack, outputs, findByName("host", name, hosts))), "--", ...remote],
        "install openssh-client",
      );
    });
}
