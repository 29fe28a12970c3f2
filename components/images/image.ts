import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { imageRecipe } from "../../programs/images/recipe.ts";
import type { BuildResult, DestinationSpec, ImageBase, ImageSpec } from "../../programs/images/spec.ts";
import { diskTree } from "../../programs/images/tree.ts";
import type { ProductName } from "../../toolchain/products.ts";
import { waiting } from "../waiting.ts";

/** A binary that the image takes beside the project's files. */
export interface ProductFile {
  product: { readonly product: ProductName; readonly digest: pulumi.Input<string> };
  /** One of the product's binaries, and its name in the build context. */
  binary: string;
}

export interface ImageArgs {
  /** Name in the registry, below `peak/`. */
  name: string;
  /**
   * What the image is made of: the main module of a Node program, with a Dockerfile beside it (`{ entry: "services/echo/main.ts" }`), or
   * a folder with a Dockerfile and what that copies (`{ folder: "components/cluster/coredns" }`). Relative to the project.
   */
  source: { entry: string } | { folder: string };
  /** Architecture of the nodes that run it. */
  arch: ImageSpec["arch"];
  /** What it is built on: see `baseImage`. */
  base: pulumi.Input<ImageBase>;
  /** Products of the toolchain. Default: none. */
  files?: ProductFile[];
  /** Where it goes, so that the cluster has it. A registry must be there when this resource is made. */
  destination: pulumi.Input<DestinationSpec>;
  /** Changes when what was brought there is lost. Default: it never is. */
  store?: pulumi.Input<string> | undefined;
}

const project = join(import.meta.dirname, "../..");

/**
 * An image built from the project's files and brought to a cluster, tagged by its content. The tag is computed when the program runs, from files
 * and from what the state knows: while it stays the same nothing is built, and a preview builds nothing at all.
 */
export class Image extends pulumi.ComponentResource {
  /** For a pod's container, by digest where nodes pull it, else by its tag; either way never to be pulled anew once a node has it. */
  readonly ref: pulumi.Output<string>;

  constructor(name: string, args: ImageArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:images:Image", name, {}, own);
    const files = (args.files ?? []).map(({ product: { product, digest }, binary }) => ({ product, digest, binary }));
    const image = pulumi.all([files, args.base] as const).apply(([files, base]): ImageSpec => ({
      name: args.name,
      arch: args.arch,
      ...args.source,
      base: base as ImageBase,
      files: files as ImageSpec["files"],
    }));
    const tag = image.apply((spec) => imageRecipe(diskTree(project), spec).tag);
    const build = new command.local.Command(
      name,
      {
        create: "node --disable-warning=ExperimentalWarning programs/images/main.ts build",
        stdin: pulumi.secret(pulumi.jsonStringify({ image, destination: args.destination })),
        triggers: [pulumi.all([tag, args.store]).apply((all) => all.filter(Boolean).join(" in "))],
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this, dependsOn },
    );
    // What goes in has a password; a reference has none, and plans should show it.
    this.ref = pulumi.unsecret(build.stdout).apply((text) => (JSON.parse(text) as BuildResult).ref);
    this.registerOutputs({ ref: this.ref });
  }
}
