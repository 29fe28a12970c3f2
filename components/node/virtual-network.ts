import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { scopes, type AddressPlan } from "../../addressing/delegation.ts";
import { rootfsKey } from "../../programs/virtual/rootfs.ts";
import type { NetworkSpec } from "../../programs/virtual/spec.ts";
import { expectedStart } from "../../programs/virtual/state.ts";

export interface VirtualNetworkArgs {
  plan: AddressPlan;
  /** Numbers of the nodes: their prefixes are routed to them. */
  nodes: number[];
}

const script = "node programs/virtual/main.ts";

/** What the virtual hosts of this machine share: its Debian packages, their root file system, and the bridge and router that link them. */
export class VirtualNetwork extends pulumi.ComponentResource {
  readonly plan: AddressPlan;
  /** The /80s of each node, and the address that leads to them. */
  readonly routes: NetworkSpec["routes"];
  /** This machine has the programs that the local stack needs, one that builds images included. */
  readonly packages: pulumi.Resource;
  /** Virtual hosts can be plugged in. */
  readonly resource: pulumi.Resource;

  constructor(name: string, { plan, nodes }: VirtualNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:VirtualNetwork", name, {}, opts);
    this.plan = plan;
    this.routes = nodes.map((number) => {
      const node = plan.node(number);
      return { via: node.ula.address, prefixes: scopes(node).map((scope) => scope.prefix) };
    });
    const logging = command.local.Logging.Stderr;
    this.packages = new command.local.Command(`${name}-packages`, {
      create: `${script} host-packages`,
      logging,
      addPreviousOutputInEnv: false,
    }, { parent: this });
    const rootfs = new command.local.Command(`${name}-rootfs`, {
      create: `${script} rootfs`,
      environment: { PEAK_ROOTFS: rootfsKey() },
      logging,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: this.packages });
    const spec: NetworkSpec = {
      prefixes: [plan.ula, plan.global].filter((prefix) => prefix !== undefined),
      router: [plan.router.ula, plan.router.global].filter((address) => address !== undefined),
      host: plan.operator,
      routes: this.routes,
    };
    this.resource = new command.local.Command(name, {
      create: `${script} network up`,
      delete: `${script} network down`,
      stdin: JSON.stringify(spec),
      environment: { PEAK_START: expectedStart("switch") },
      logging,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: rootfs });
    this.registerOutputs({});
  }
}
