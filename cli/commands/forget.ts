import { Command } from "commander";
import { confirm, requireAnswer } from "../confirm.ts";
import { during, screenOn } from "../display/screen.ts";
import { CliError, messageOf, UsageError } from "../errors.ts";
import { LOCAL, stackOf, stackOption } from "../stacks.ts";

/** `./peak forget NODE`: takes a host that is dead out of a stack, without reaching it. */
export function forget(): Command {
  return new Command("forget")
    .description("take a dead host out of the stack and the cluster, without reaching it")
    .argument("<node>", "name of the node, e.g. pi3")
    .addOption(stackOption())
    .option("-y, --yes", "do not ask before a host of a stack other than local is forgotten")
    .addHelpText("after", "\nA host that still answers is removed by taking it out of the inventory, and ./peak up: its pods move first.")
    .action(async (name: string, { yes }: { yes?: boolean }, command: Command) => {
      const stack = stackOf(command);
      const question = `forget ${name} of the stack ${stack}`;
      if (stack !== LOCAL) requireAnswer(question, yes === true);
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { findByName } = await import("../names.ts");
      const { nodeReadiness, removeNode } = await import("../status/kubernetes.ts");
      const { workOn } = await import("../engine/work.ts");
      const { exportState, importState } = await import("../engine/exported.ts");
      const { withoutHost } = await import("../engine/host-state.ts");
      const { inventoryOf } = await import("../engine/stack-file.ts");
      const { forgottenText } = await import("../display/forgotten.ts");
      const up = stack === LOCAL ? "./peak up" : `./peak up --stack ${stack}`;
      const inventory = await inventoryOf(stack);

      const outputs = await requireOutputs(stack);
      const node = findByName("node", name, outputs.nodes);
      if (node === outputs.nodes.find(({ role }) => role === "steering")) {
        throw new UsageError(
          `${name} holds the control plane: without it there is no cluster to take it out of. Bring it back with \`${up}\`, or destroy the stack`,
        );
      }
      const unanswered = (error: unknown) => {
        throw new CliError(`the cluster does not answer, so ${name} cannot be taken out of it: ${messageOf(error)}`);
      };
      if ((await nodeReadiness(outputs).catch(unanswered))?.get(name)) {
        throw new UsageError(`${name} is alive, as Kubernetes sees it (a minute after it died it does so no more). ` +
          `To remove a host that answers, take it out of ${inventory}${stack === LOCAL ? " or use --nodes" : ""}, and run \`${up}\``);
      }
      if (stack !== LOCAL) await confirm(question, yes === true);

      using screen = screenOn(process.stderr);
      await workOn(stack, screen, {}, async (session) => {
        // The cluster first: while the node is in the state, this command can be run again.
        const lost = await during(screen, `taking ${name} out of the cluster`, () => removeNode(outputs, name).catch(unanswered));
        const { stack: rest, removed } = withoutHost(await exportState(session.stack), name);
        await importState(session.stack, rest);
        const services = outputs.nodes.filter(({ role }) => role === "service");
        const fewer = stack === LOCAL && services.length > 1 && services.at(-1) === node ? `${up} --nodes ${outputs.nodes.length - 1}` : undefined;
        screen.line(forgottenText({ name, removed: removed.length, lost: lost!, inventory, up, fewer }));
      });
    });
}
