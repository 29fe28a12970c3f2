import * as pulumi from "@pulumi/pulumi";
import { nodesOf, type Inventory, type InventoryHost } from "../../hardware/inventory.ts";
import { hostArch, type Arch } from "../../toolchain/products.ts";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { RootServer } from "./unbound.ts";
import { Board } from "./board.ts";
import { ClientBoard } from "./client-board.ts";
import { ClientEmulator } from "./client-emulator.ts";
import type { Generations } from "../pki/generations.ts";
import { operatorKeys, type SshKeys } from "./ssh-key.ts";
import type { SshHost } from "./ssh-host.ts";
import { VirtualNetwork } from "./virtual-network.ts";
import { VirtualPi } from "./virtual-pi.ts";

export interface MachinesArgs {
  inventory: Inventory;
  plan: AddressPlan;
  /** The zone that clients resolve, with its final dot. */
  zone: string;
  /** The zone's root servers. */
  rootServers: RootServer[];
  /** The hosts that do not answer, see `silentHosts`. */
  silent: Readonly<Record<string, string>>;
  /** Of the keys that SSH works with. */
  generations: Generations;
}

/** The machines of a stack. This is the only place that knows how they come into being. */
export class Machines extends pulumi.ComponentResource {
  /** Hosts that become nodes of the cluster: steering first. */
  readonly nodes: SshHost[];
  /** All that are reached by SSH: the nodes, and clients that are machines. */
  readonly hosts: SshHost[];
  /** Names and numbers of the clients. */
  readonly clients: { name: string; number: number; ula: string; global: string | undefined; emulated: boolean }[];
  /** Log in as root on every host. */
  readonly operatorKeys: SshKeys;
  /** Of all nodes; this machine's where there are none. */
  readonly arch: Arch;
  /** Exists once this machine has the tools that making hosts and images takes; empty where that is the operator's business. */
  readonly tools: pulumi.Resource[];

  constructor(name: string, { inventory, plan, zone, rootServers, silent, generations }: MachinesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:Machines", name, {}, opts);
    const nodes = nodesOf(inventory);
    const clients = inventory.hosts.filter(({ role }) => role === "client");
    const emulated = inventory.kind === "virtual";
    const operators = operatorKeys(`${name}-operator-key`, generations, { parent: this });
    const keys = { operatorKeys: operators, generations };

    if (emulated) {
      const network = new VirtualNetwork(`${name}-network`, { plan, nodes: nodes.map(({ number }) => number) }, { parent: this });
      this.nodes = nodes.map((machine) => new VirtualPi(machine.name, { machine, network, ...keys }, { parent: this }));
      for (const machine of clients) new ClientEmulator(machine.name, { machine, network, zone, servers: rootServers }, { parent: this });
      this.hosts = this.nodes;
      this.tools = [network.packages];
    } else {
      const { arch = "arm64" } = inventory;
      const board = (machine: InventoryHost) => ({ machine, plan, ...keys, arch, silent: silent[machine.name] });
      this.nodes = nodes.map((machine) => new Board(machine.name, board(machine), { parent: this }));
      const delegations = nodes.map(({ number }) => plan.node(number));
      this.hosts = [...this.nodes, ...clients.map((machine) =>
        new ClientBoard(machine.name, { ...board(machine), nodes: delegations, zone, servers: rootServers }, { parent: this }))];
      this.tools = [];
    }
    this.clients = clients.map(({ name, number }) => {
      const { ula, global } = plan.node(number);
      return { name, number, ula: ula.address, global: global?.address, emulated };
    });
    this.operatorKeys = operators;
    this.arch = this.nodes[0]?.arch ?? hostArch;
    this.registerOutputs({});
  }
}
