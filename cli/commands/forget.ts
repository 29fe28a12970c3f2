import { Command } from "commander";
import { confirm, requireAnswer } from "../confirm.ts";
import { during, screenOn } from "../display/screen.ts";
import { CliError, messageOf, UsageError } from "../errors.ts";
import type { Session } from "../engine/session.ts";
import { LOCAL, stackOf, stackOption } from "../stacks.ts";

/** How long a client is listened for. */
const ALIVE_SECONDS = 3;

/** `./peak forget NODE`: takes a host that is dead out of a stack, without reaching it. */
export function forget(): Command {
  return new Command("forget")
    .description("take a dead host out of the stack and the cluster, without reaching it")
    .argument("<node>", "name of the node, or of a board that is a client, e.g. pi3")
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
      const { inventoryOf } = await import("../engine/stack-file.ts");
      const { forgottenText } = await import("../display/forgotten.ts");
      const up = stack === LOCAL ? "./peak up" : `./peak up --stack ${stack}`;
      const inventory = await inventoryOf(stack);

      const outputs = await requireOutputs(stack);
      const client = outputs.clients.find((one) => one.name === name);
      if (client) return forgetClient({ stack, up, inventory, client, yes: yes === true });
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
        const removed = await forgetHost(session, name);
        const services = outputs.nodes.filter(({ role }) => role === "service");
        const fewer = stack === LOCAL && services.length > 1 && services.at(-1) === node ? `${up} --nodes ${outputs.nodes.length - 1}` : undefined;
        screen.line(forgottenText({ name, removed, lost: lost!, inventory, up, fewer }));
      });
    });
}

interface ForgetClient {
  stack: string;
  /** The command that updates the stack. */
  up: string;
  /** Path of the inventory. */
  inventory: string;
  client: { name: string; ula: string; emulated: boolean };
  yes: boolean;
}

/** A client is in no cluster: only the state has to forget it. */
async function forgetClient({ stack, up, inventory, client: { name, ula, emulated }, yes }: ForgetClient): Promise<void> {
  const { silence } = await import("../../programs/hosts/answers.ts");
  const { workOn } = await import("../engine/work.ts");
  const { forgottenClientText } = await import("../display/forgotten.ts");
  const remove = `take it out of ${inventory}, and run \`${up}\``;
  if (emulated) throw new UsageError(`${name} is a namespace on this host, which need not be reached: to remove it, ${remove}`);
  if ((await silence(ula, ALIVE_SECONDS)) === undefined) throw new UsageError(`${name} is alive: it answers at ${ula}. To remove it, ${remove}`);
  await confirm(`forget ${name} of the stack ${stack}`, yes);
  using screen = screenOn(process.stderr);
  await workOn(stack, screen, {}, async (session) => {
    const removed = await forgetHost(session, name);
    screen.line(forgottenClientText({ name, removed, inventory, up }));
  });
}

/** @returns how many resources the state is without from now on */
async function forgetHost({ stack }: Session, name: string): Promise<number> {
  const { exportState, importState } = await import("../engine/exported.ts");
  const { withoutHost } = await import("../engine/host-state.ts");
  const { stack: rest, removed } = withoutHost(await exportState(stack), name);
  await importState(stack, rest);
  return removed.length;
}
