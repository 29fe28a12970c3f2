import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { productKey, type ProductName } from "../../toolchain/products.ts";
import type { Architecture } from "./host.ts";

export interface ToolchainProductArgs {
  /** A product of toolchain/products.ts that runs on hosts. */
  product: ProductName;
  arch: Architecture;
}

/** A set of binaries that hosts run, downloaded or built into this machine's cache. */
export class ToolchainProduct extends pulumi.ComponentResource {
  readonly product: ProductName;
  readonly arch: Architecture;
  /** SHA-256 over the binaries' names and contents. */
  readonly digest: pulumi.Output<string>;
  /** The folder on this machine that holds `bin/`. */
  readonly directory: pulumi.Output<string>;

  constructor(name: string, { product, arch }: ToolchainProductArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:ToolchainProduct", name, {}, opts);
    this.product = product;
    this.arch = arch;
    const provide = new command.local.Command(name, {
      create: `node toolchain/main.ts provide ${product} --arch ${arch}`,
      environment: { PEAK_PRODUCT: productKey(product, arch) },
      addPreviousOutputInEnv: false,
    }, { parent: this });
    const provided = provide.stdout.apply((text) => JSON.parse(text) as { dir: string; digest: string });
    this.digest = provided.digest;
    this.directory = provided.dir;
    this.registerOutputs({ digest: this.digest });
  }
}
