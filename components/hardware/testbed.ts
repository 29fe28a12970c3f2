import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { BoardFacts, Inventory, InventoryHost } from "../../hardware/inventory.ts";
import { wiringPlan } from "../../hardware/plan.ts";
import { Board } from "./board.ts";
import { Switch } from "./switch.ts";

export interface TestbedArgs {
  inventory: Inventory;
  /** Where the boards' addresses come from. */
  plan: AddressPlan;
  /** Log in as root on every board: their public halves. */
  operatorKeys: pulumi.Input<string>[];
  /** The identities of the boards' SSH servers, by name. */
  hostKeys: Readonly<Record<string, { private: pulumi.Input<string>; public: pulumi.Input<string> }[]>>;
}

/**
 * The hardware of an inventory as resources, so that a preview shows a moved cable or a swapped board as a change of that board. What runs on
 * the boards is no business of it.
 */
export class Testbed extends pulumi.ComponentResource {
  constructor(name: string, { inventory, plan, operatorKeys, hostKeys }: TestbedArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:hardware:Testbed", name, {}, opts);
    const wiring = wiringPlan(inventory, plan);
    for (const entry of wiring.switches) new Switch(entry.name, { plan: entry }, { parent: this });
    for (const host of inventory.hosts.filter(isDescribed)) {
      const { ula, global } = plan.node(host.number);
      const addresses = [ula, global].flatMap((scope) => (scope ? [scope.address] : []));
      new Board(
        host.name,
        { host, media: { addresses, router: plan.router.ula, operatorKeys, hostKeys: hostKeys[host.name]! } },
        { parent: this },
      );
    }
    this.registerOutputs({ materials: wiring.materials, warnings: wiring.warnings });
  }
}

const isDescribed = (host: InventoryHost): host is InventoryHost & { board: BoardFacts } => host.board !== undefined;
