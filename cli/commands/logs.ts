import { Command } from "commander";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak logs NODE|POD`: the journal of a node, or what a pod says. */
export function logs(): Command {
  return new Command("logs")
    .description("show the journal of a node, or the output of a pod")
    .argument("<node-or-pod>", "name of a node, of a pod, or the start of one pod's name, e.g. pi1 or echo")
    .addOption(stackOption())
    .option("-f, --follow", "go on with what comes")
    .action(async (name: string, { follow }: { follow?: boolean }, command: Command) => {
      const stack = stackOf(command);
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { become } = await import("../exec.ts");
      const outputs = await requireOutputs(stack);
      const node = outputs.nodes.find((one) => one.name === name);
      if (node) {
        const { sshArguments } = await import("../credentials.ts");
        const journal = ["journalctl", "--no-pager", "--lines=200", ...(follow ? ["--follow"] : [])];
        become("ssh", [...(await sshArguments(stack, outputs, node)), "--", ...journal], "install openssh-client");
      }
      const { findPod } = await import("../status/pods.ts");
      const { kubectlBinary } = await import("../kubectl.ts");
      const { kubectlAccess } = await import("../credentials.ts");
      const pod = await findPod(outputs, name);
      const access = await kubectlAccess(stack, outputs);
      const args = [
        ...access.args,
        "logs",
        "--namespace",
        pod.namespace,
        "--all-containers",
        "--tail=200",
        ...(follow ? ["--follow"] : []),
        pod.name,
      ];
      become(await kubectlBinary(), args, "", access.env);
    });
}
