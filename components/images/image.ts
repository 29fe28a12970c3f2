import { join } from "node:path";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { imageRecipe } from "../../programs/images/recipe.ts";
import type { BuildResult, ImageSpec, RegistryAccess } from "../../programs/images/spec.ts";
import { diskTree } from "../../programs/images/tree.ts";

/** A built product that the image takes beside the project's files. */
export interface ProductArgs {
  /** Absolute path of a file. */
  from: pulumi.Input<string>;
  /** Path in the build context. */
  to: string;
  /** Changes whenever the content does: a checksum, or the key that it has in the cache. */
  digest: pulumi.Input<string>;
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
  /** A public image with Node to build on. Default: our own, of Debian packages and the pinned Node. */
  base?: string | undefined;
  /** Products of the toolchain. Default: none. */
  files?: ProductArgs[];
  /** Where it is pushed to. The registry must be there when this resource is made. */
  registry: pulumi.Input<{ [Key in keyof RegistryAccess]: pulumi.Input<string> }>;
}

const project = join(import.meta.dirname, "../..");

/**
 * An image built from the project's files and pushed, tagged by its content. The tag is computed when the program runs, from files only:
 * while it stays the same nothing is built, and a preview builds nothing at all.
 */
export class Image extends pulumi.ComponentResource {
  /** For a pod's container: `HOST/peak/NAME:TAG@sha256:DIGEST`. */
  readonly ref: pulumi.Output<string>;

  constructor(name: string, args: ImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:images:Image", name, {}, opts);
    const image = pulumi.output(args.files ?? []).apply((files): ImageSpec => ({
      name: args.name,
      arch: args.arch,
      ...args.source,
      ...(args.base === undefined ? {} : { base: args.base }),
      files,
    }));
    const build = new command.local.Command(
      name,
      {
        create: "node programs/images/main.ts build",
        stdin: pulumi.secret(pulumi.jsonStringify({ image, registry: args.registry })),
        triggers: [image.apply((spec) => imageRecipe(diskTree(project), spec).tag)],
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      { parent: this },
    );
    // What goes in has a password; a reference has none, and plans should show it.
    this.ref = pulumi.unsecret(build.stdout).apply((text) => (JSON.parse(text) as BuildResult).ref);
    this.registerOutputs({ ref: this.ref });
  }
}
