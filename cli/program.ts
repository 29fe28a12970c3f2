import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { client } from "./commands/client.ts";
import { destroy } from "./commands/destroy.ts";
import { doctor } from "./commands/doctor.ts";
import { explain } from "./commands/explain.ts";
import { forget } from "./commands/forget.ts";
import { hardware } from "./commands/hardware.ts";
import { kubectl } from "./commands/kubectl.ts";
import { logs } from "./commands/logs.ts";
import { preview } from "./commands/preview.ts";
import { pulumi } from "./commands/pulumi.ts";
import { allow, refusals, refuse } from "./commands/refusals.ts";
import { refresh } from "./commands/refresh.ts";
import { rotate } from "./commands/rotate.ts";
import { ssh } from "./commands/ssh.ts";
import { status } from "./commands/status.ts";
import { test } from "./commands/test.ts";
import { up } from "./commands/up.ts";
import { root } from "./paths.ts";
import { stackOption } from "./stacks.ts";

/** All of ./peak's commands; errors are thrown, so that `main.ts` decides how the process ends. */
export function program(): Command {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const peak = new Command("peak")
    .description("A client resolves a name and connects straight to a pod's own IPv6 address.")
    .usage("[--stack NAME] COMMAND")
    .version(version, "--version")
    .helpOption("-h, --help")
    .addOption(stackOption())
    .enablePositionalOptions()
    .showHelpAfterError("Run `./peak --help` for the commands and their options.");
  const stackCommands = [up, preview, refresh, destroy, status, kubectl, ssh, client, logs, explain, refuse, refusals, allow, rotate, forget, hardware, pulumi];
  for (const command of [...stackCommands, doctor, test]) {
    peak.addCommand(command().copyInheritedSettings(peak));
  }
  for (const command of [peak, ...peak.commands, ...peak.commands.flatMap((command) => command.commands)]) command.exitOverride();
  return peak.addHelpText(
    "after",
    `
A first walk:
  ./peak up                              bring up the local stack: virtual Pis, cluster, PeakDNS, a service
  ./peak client -- curl http://echo.peak/
  ./peak status
  ./peak destroy`,
  );
}
