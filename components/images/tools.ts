import * as pulumi from "@pulumi/pulumi";
import { readyBuilder } from "../../programs/image-builder.ts";
import { which } from "../../shell/which.ts";

/**
 * Makes sure that the operator's machine can build images, for a stack that installs nothing there; a preview only warns.
 * @param baseImage what images are built on; undefined for our own, which is made of Debian packages
 * @throws pulumi.RunError that names what is missing, before anything is made
 */
export async function requireImageTools(baseImage: string | undefined): Promise<void> {
  const missing = [
    ...(baseImage !== undefined || which("mmdebstrap") ? [] : ["mmdebstrap, which makes the base image"]),
    ...((await readyBuilder()) ? [] : ["a program that builds images: buildah, podman, or docker with its daemon"]),
  ];
  if (missing.length === 0) return;
  const message = `this machine lacks ${missing.join(", and ")} (on Debian or Ubuntu: apt-get install --no-install-recommends mmdebstrap debian-archive-keyring buildah)`;
  if (!pulumi.runtime.isDryRun()) throw new pulumi.RunError(message);
  await pulumi.log.warn(message);
}
