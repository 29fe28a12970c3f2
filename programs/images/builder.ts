import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, succeeds } from "../../shell/run.ts";
import type { Arch } from "../../toolchain/products.ts";
import { readyBuilder } from "../image-builder.ts";

export interface BuildOptions {
  /** Local name and tag of the result. */
  readonly image: string;
  readonly dockerfile: string;
  /** Directory that `COPY` reads. */
  readonly context: string;
  readonly arch: Arch;
  /** Value of the Dockerfile's `ARG BASE`. */
  readonly base?: string;
}

export interface PushOptions {
  readonly image: string;
  /** `localhost:PORT/REPOSITORY:TAG` */
  readonly target: string;
  /** A private directory with `config.json` (credentials) and `ca.crt`. Without it, the target is asked over plain HTTP. */
  readonly secrets?: string;
}

export interface SaveOptions {
  readonly image: string;
  /** The archive, which is not there yet. */
  readonly file: string;
  /** Name and tag that it gives the image. */
  readonly reference: string;
}

/** A tool that builds images and passes them on. */
export interface Builder {
  /** Whether it has the image. */
  has(image: string): Promise<boolean>;
  build(options: BuildOptions): Promise<void>;
  push(options: PushOptions): Promise<void>;
  /** Writes an image to an archive that any container runtime reads. */
  save(options: SaveOptions): Promise<void>;
  remove(image: string): Promise<void>;
  /** Removes what a killed build left. No other build may be under way. */
  sweep(): Promise<void>;
}

/**
 * What builds images here. Buildah and podman keep theirs below `storage`; docker's daemon keeps the base image. The signal stops whatever it
 * does. Throws if there is none.
 */
export async function findBuilder(storage: string, signal: AbortSignal): Promise<Builder> {
  const command = await readyBuilder(signal);
  if (command === undefined) throw new Error("nothing here builds images: install buildah or podman (apt-get install buildah), or start docker");
  return command === "docker" ? docker(signal) : daemonless(command, storage, signal);
}

/** Writes the files of `PushOptions.secrets`. */
export async function writeSecrets(
  directory: string,
  { registry, username, password, authority }: { registry: string; username: string; password: string; authority: string },
): Promise<void> {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  await writeFile(join(directory, "config.json"), JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 });
  await writeFile(join(directory, "ca.crt"), authority, { mode: 0o600 });
}

function daemonless(command: "buildah" | "podman", storage: string, signal: AbortSignal): Builder {
  // Of all storage drivers only vfs needs no mount, which a killed run would leave behind.
  const store = ["--root", join(storage, "root"), "--runroot", join(storage, "run"), "--storage-driver", "vfs"];
  const tool = (...args: string[]) => run(command, [...store, ...args], { signal });
  return {
    has: (image) => succeeds(command, [...store, "inspect", "--type", "image", image], { signal }),
    async build({ image, dockerfile, context, arch, base }) {
      await tool(
        command === "buildah" ? "bud" : "build",
        ...["--quiet", "--isolation", "chroot", "--pull=false", "--platform", `linux/${arch}`, "--timestamp", "0"],
        ...(base === undefined ? [] : ["--build-arg", `BASE=${base}`]),
        ...["--file", dockerfile, "--tag", image, context],
      );
    },
    async push({ image, target, secrets }) {
      const access = secrets === undefined ? ["--tls-verify=false"] : ["--authfile", join(secrets, "config.json"), "--cert-dir", secrets];
      await tool("push", "--quiet", ...access, image, `docker://${target}`);
    },
    async save({ image, file, reference }) {
      await tool("push", "--quiet", image, `docker-archive:${file}:${reference}`);
    },
    remove: async (image) => void (await tool("rmi", image)),
    sweep: async () => void (command === "buildah" && (await tool("rm", "--all"))),
  };
}

function docker(signal: AbortSignal): Builder {
  const tool = (...args: string[]) => run("docker", args, { signal });
  return {
    has: (image) => succeeds("docker", ["image", "inspect", image], { signal }),
    async build({ image, dockerfile, context, arch, base }) {
      const args = ["build", "--quiet", "--platform", `linux/${arch}`, "--file", dockerfile, "--tag", image];
      if (base !== undefined) args.push("--build-arg", `BASE=${base}`);
      // One manifest for one platform, as the other builders make it; older docker has no flag for it.
      await run("docker", [...args, context], { signal, env: { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" } });
    },
    async push({ image, target, secrets }) {
      // A configuration directory of our own has the credentials, but not the user's choice of a daemon.
      const daemon = (await tool("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")).trim();
      await tool("tag", image, target);
      // docker takes any certificate of a registry on localhost, or none; where there is one, the digest is read over verified TLS afterwards.
      await tool(...(secrets === undefined ? [] : ["--config", secrets, "--host", daemon]), "push", "--quiet", target);
      await tool("image", "rm", target);
    },
    async save({ image, file, reference }) {
      await tool("tag", image, reference);
      await tool("save", "--output", file, reference);
      if (image !== reference) await tool("image", "rm", reference);
    },
    remove: async (image) => void (await tool("image", "rm", image)),
    sweep: async () => {},
  };
}
