import { setTimeout as sleep } from "node:timers/promises";
import { Argument, Command } from "commander";
import { parseKeyring, renderKeyring, rotatable, type Rotatable, type Step } from "../../components/pki/generations.ts";
import { confirm, requireAnswer } from "../confirm.ts";
import { screenOn, type Screen } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { appliedOf, nextMove, rotations, stepText, type Applied } from "../engine/rotation.ts";
import { Interrupted, UsageError } from "../errors.ts";
import { interrupts } from "../interrupt.ts";
import { LOCAL, notUpText, stackOf, stackOption } from "../stacks.ts";

/** Waits of this length and less are waited for; what takes longer is left to another run. */
const patience = 10 * 60;

/** `./peak rotate WHAT`: puts another key in the place of one, step by step. */
export function rotate(): Command {
  const list = rotatable.map((name) => `  ${name.padEnd(12)}${rotations[name].what}`).join("\n");
  return new Command("rotate")
    .description("put new keys in the place of the present ones, without an outage")
    .addArgument(new Argument("<what>", "which keys").choices(rotatable))
    .addOption(stackOption())
    .option("-y, --yes", "do not ask before a stack other than local is changed")
    .addHelpText("after", `
WHAT is one of:
${list}

Three updates, after each of which everything works: the new generation is trusted everywhere, then it is used, then the earlier one is
forgotten. The configuration (peak:keys) says how far it is; after Ctrl-C or a failure, the same command goes on from there.`)
    .action(async (what: Rotatable, { yes }: { yes?: boolean }, command: Command) => {
      const stack = stackOf(command);
      const question = `rotate the ${what} keys of the stack ${stack}`;
      if (stack !== LOCAL) requireAnswer(question, yes === true);
      const { readStack } = await import("../engine/outputs.ts");
      const { readConfig } = await import("../engine/keys.ts");
      const { updateHistory } = await import("../engine/history.ts");
      const { workOn } = await import("../engine/work.ts");
      const { operate } = await import("../engine/operation.ts");
      using screen = screenOn(process.stderr);
      // An update that has come to its end in spite of Ctrl-C is the last one, too.
      using interrupt = interrupts(() => {}, () => {});
      for (let begun = false; ; begun = true) {
        const { keys, kubeContext } = await readConfig(stack);
        if (kubeContext !== "" && what !== "dns")
          throw new UsageError(`the ${what} keys of the stack ${stack} are not its own: its cluster was there before. Nothing was changed.`);
        // A stack that an update has left half up may be one whose rotation goes on: if it was all up before.
        const { state } = await readStack(stack);
        const applied = appliedOf(await updateHistory(stack), what);
        if (state === "absent" || !applied) throw new UsageError(notUpText(stack, state === "absent" ? state : "partial"));
        const ring = parseKeyring(keys);
        const move = nextMove(ring[what], applied.generations, begun);
        if (move.kind === "done") break;
        if (interrupt.signal.aborted) throw new Interrupted("stopped; the same command goes on from here");
        if (move.kind === "step" && !(await settled(screen, what, move.step, applied, begun))) return;
        if (!begun && stack !== LOCAL) await confirm(question, yes === true);
        screen.line(`rotate ${what}: ${move.kind === "step" ? stepText(move.step) : "going on with the step that was begun"}`);
        const step = move.kind === "step" ? { from: keys, to: renderKeyring({ ...ring, [what]: move.step.to }) } : undefined;
        const changes = await workOn(stack, screen, { keys: step }, (session) => operate(session, "up", screen));
        screen.line(`rotate ${what}: ${changesText(changes)}`);
      }
      const [generation] = parseKeyring((await readConfig(stack)).keys)[what];
      process.stdout.write(`The ${what} keys of the stack ${stack} are of generation ${generation}, and no others are trusted.\n`);
    });
}

/**
 * Waits until enough time has passed since the last step.
 * @returns false when that takes too long, which has been said then
 * @throws UsageError when it does, and nothing has been done in this run
 */
async function settled(screen: Screen, what: Rotatable, step: Step, { since }: Applied, begun: boolean): Promise<boolean> {
  const settle = rotations[what].settle[step.does];
  if (!settle) return true;
  const until = since.getTime() + settle.seconds * 1000;
  const left = Math.max(0, until - Date.now()) / 1000;
  if (left > patience) {
    const time = `${new Date(until).toISOString().slice(0, 16)}Z`;
    const text = `rotate ${what}: the last step is for after ${time}: ${settle.because}. Then run the same command again.`;
    if (!begun) throw new UsageError(`${text} Nothing was changed.`);
    process.stdout.write(`${text}\n`);
    return false;
  }
  using interrupt = interrupts(() => screen.line("stopping"), () => process.exit(130));
  if (left > 0) screen.line(`rotate ${what}: waiting ${Math.ceil(left)} s: ${settle.because}`);
  await sleep(left * 1000, undefined, { signal: interrupt.signal }).catch(() => {
    throw new Interrupted("stopped; the same command goes on from here");
  });
  return true;
}
