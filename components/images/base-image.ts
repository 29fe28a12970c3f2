import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { DebianVersions } from "../../programs/images/debian.ts";
import { basePackages } from "../../programs/images/recipe.ts";
import type { ImageBase } from "../../programs/images/spec.ts";
import type { Arch } from "../../toolchain/products.ts";
import { versions } from "../../toolchain/versions.ts";

export interface BaseImageArgs {
  /** A public image with Node, with its digest if updates of it are to be noticed. Default: our own, of Debian packages and the pinned Node. */
  image: string | undefined;
  /** Architecture of the nodes that run what is built on it. */
  arch: Arch;
}

/**
 * What images are built on. For our own, the first update of a day looks up which versions of its packages Debian has: a security update
 * changes the tag of every image, and so reaches all pods. A preview looks nothing up; it shows that an update would,
 * and all that may come of it.
 */
export function baseImage(name: string, { image, arch }: BaseImageArgs, opts?: pulumi.CustomResourceOptions): pulumi.Output<ImageBase> {
  if (image !== undefined) return pulumi.output(image);
  const found = new command.local.Command(name, {
    create: `node programs/images/main.ts versions ${versions.debian} ${arch} ${basePackages.join(" ")}`,
    environment: { PEAK_DAY: new Date().toISOString().slice(0, "2000-01-01".length) },
    addPreviousOutputInEnv: true, // what it falls back to
    logging: command.local.Logging.Stderr,
  }, opts);
  return found.stdout.apply((text) => JSON.parse(text) as DebianVersions);
}
