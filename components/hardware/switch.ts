import * as pulumi from "@pulumi/pulumi";
import type { SwitchPlan } from "../../hardware/plan.ts";
import { record } from "./record.ts";

export interface SwitchArgs {
  plan: SwitchPlan;
}

/** A switch that gives the boards their network and their power. */
export class Switch extends pulumi.ComponentResource {
  constructor(name: string, { plan: { title, place, uplink, power } }: SwitchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:hardware:Switch", name, {}, opts);
    const { budget, idle, typical, worst } = power;
    // What hangs on each port is told by the boards: a moved cable is a change of its board.
    record(name, { model: title, place, uplink, budgetWatts: budget }, this);
    this.registerOutputs({ watts: { budget, idle, typical, worst } });
  }
}
