import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { Inventory } from "../../hardware/inventory.ts";

/** How long hosts are waited for: a board boots in less. A preview looks only. */
const WAIT_SECONDS = 60;
const LOOK_SECONDS = 3;

/**
 * The boards of an inventory whose SSH servers do not answer, with the reason of each; all of them are named in one warning. Hosts that the
 * stack itself makes are none of them.
 */
export async function silentHosts({ kind, hosts }: Inventory, plan: AddressPlan): Promise<Readonly<Record<string, string>>> {
  if (kind !== "board") return {};
  const { stdout } = await command.local.run({
    command: "node programs/hosts/main.ts silent",
    addPreviousOutputInEnv: false,
    stdin: JSON.stringify({
      hosts: hosts.map(({ name, number }) => ({ name, address: plan.node(number).ula.address })),
      seconds: pulumi.runtime.isDryRun() ? LOOK_SECONDS : WAIT_SECONDS,
    }),
  });
  const silent = JSON.parse(stdout) as Record<string, string>;
  const named = Object.entries(silent).map(([name, why]) => `${name} (${why})`);
  if (named.length > 0) {
    await pulumi.log.warn(`${named.length} of ${hosts.length} hosts do not answer: ${named.join(", ")}. What is to be done there is left; the others go on`);
  }
  return silent;
}
