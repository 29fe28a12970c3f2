import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host.ts";
import type { ToolchainProduct } from "./toolchain-product.ts";

export interface BinariesArgs {
  host: Host;
  product: ToolchainProduct;
}

/** The binaries of a product on a host. */
export class Binaries extends pulumi.ComponentResource {
  /** Where they are on the host; the same path for every version. */
  readonly directory: string;
  /** SHA-256 over them; known once they are there, so whoever uses it waits for them. */
  readonly digest: pulumi.Output<string>;

  constructor(name: string, { host, product }: BinariesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:Binaries", name, {}, opts);
    this.directory = `/opt/peak/${product.product}/bin`;
    const pushed = new command.local.Command(name, {
      create: "node programs/binaries/main.ts push",
      delete: "node programs/binaries/main.ts remove",
      stdin: pulumi.secret(pulumi.jsonStringify({
        product: product.product,
        arch: product.arch,
        digest: product.digest,
        connection: host.connection,
      })),
      environment: { PEAK_INCARNATION: host.incarnation },
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: host.resource, ...(host.lifetime && { deletedWith: host.lifetime }) });
    this.digest = pulumi.unsecret(pushed.stdout);
    this.registerOutputs({ directory: this.directory, digest: this.digest });
  }
}
