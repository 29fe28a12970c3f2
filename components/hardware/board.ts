import * as pulumi from "@pulumi/pulumi";
import type { BoardFacts, InventoryHost } from "../../hardware/inventory.ts";
import { BootMedia, type BootMediaArgs } from "./boot-media.ts";
import { record } from "./record.ts";

export interface BoardArgs {
  host: InventoryHost & { board: BoardFacts };
  media: Omit<BootMediaArgs, "host">;
}

/** A board as a thing: what it is, where it is, what it is plugged into, and the media that it boots from. */
export class Board extends pulumi.ComponentResource {
  constructor(name: string, { host, media }: BoardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:hardware:Board", name, {}, opts);
    record(name, { role: host.role, number: host.number, ...host.board }, this);
    new BootMedia(`${name}-media`, { host, ...media }, { parent: this });
    this.registerOutputs({});
  }
}
