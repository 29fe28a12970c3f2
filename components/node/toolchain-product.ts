import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { productKey, type Arch, type ProductName } from "../../toolchain/products.ts";

export interface ToolchainProductArgs {
  /** A product of toolchain/products.ts that runs on hosts. */
  product: ProductName;
  arch: Arch;
}

/**
 * A set of binaries that hosts run, downloaded or built into the cache of the machine that this runs on. Where that is, is nothing to keep:
 * whoever needs the files has them provided again, by the product's name.
 */
export class ToolchainProduct extends pulumi.ComponentResource {
  readonly product: ProductName;
  readonly arch: Arch;
  /** SHA-256 over the binaries' names and contents. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, { product, arch }: ToolchainProductArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:ToolchainProduct", name, {}, opts);
    this.product = product;
    this.arch = arch;
    const provide = new command.local.Command(name, {
      create: `node toolchain/main.ts digest ${product} --arch ${arch}`,
      environment: { PEAK_PRODUCT: productKey(product, arch) },
      addPreviousOutputInEnv: false,
    }, { parent: this });
    this.digest = provide.stdout.apply((text) => (JSON.parse(text) as { digest: string }).digest);
    this.registerOutputs({ digest: this.digest });
  }
}
