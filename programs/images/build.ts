import { chmod, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../shell/run.ts";
import { cached } from "../../toolchain/cache.ts";
import { acquire } from "../../toolchain/lock.ts";
import { provide } from "../../toolchain/provide.ts";
import type { Arch } from "../../toolchain/products.ts";
import { type Builder, findBuilder } from "./builder.ts";
import type { Destination } from "./destination.ts";
import { minikubeDestination } from "./minikube.ts";
import { packageDirectory } from "./npm.ts";
import { type BaseRecipe, baseRecipe, imageRecipe } from "./recipe.ts";
import { registryDestination } from "./registry.ts";
import type { BuildRequest, BuildResult, DestinationSpec, ImageSpec } from "./spec.ts";
import { stage, type StagedProduct } from "./stage.ts";
import { diskTree } from "./tree.ts";

export interface BuildContext {
  /** Directory of the project. */
  readonly root: string;
  /** Told what begins. */
  readonly progress: (line: string) => void;
  /** Stops the build; what it made so far is removed. */
  readonly signal: AbortSignal;
}

/**
 * Builds an image and brings it to its destination, unless that has its content tag already. Several at once are safe: they take turns.
 * Everything that it keeps is in the cache.
 */
export async function buildImage({ image: spec, destination }: BuildRequest, { root, progress, signal }: BuildContext): Promise<BuildResult> {
  const tree = diskTree(root);
  const { context, tag } = imageRecipe(tree, spec);
  const repository = `peak/${spec.name}`;
  const cluster = destinationOf(destination);
  const known = await cluster.find(repository, tag);
  if (known !== undefined) {
    progress(`${repository}:${tag} is in the registry`);
    return { ref: known };
  }

  const storage = await cached("image-storage", async () => {});
  using _turn = await acquire(join(storage, "lock"), {
    signal,
    onWait: () => progress(`${repository}: waiting for another build to end`),
    onTurn: () => progress(`${repository}: preparing to build`),
  });
  const builder = await findBuilder(storage, signal);
  await builder.sweep();
  await using work = await workDirectory(join(storage, "work"));
  const base = typeof spec.base === "string"
    ? spec.base
    : await ownBase(builder, baseRecipe(tree, spec.arch, spec.base), spec.arch, { root, progress, signal });

  const image = `localhost/${repository}:${tag}`;
  const directory = join(work.path, "context");
  const dockerfile = join(work.path, "Dockerfile");
  progress(`${repository}:${tag}: building`);
  await stage(directory, root, context, await productFiles(spec, signal));
  await writeFile(dockerfile, context.dockerfile);
  await builder.build({ image, dockerfile, context: directory, arch: spec.arch, base });

  progress(`${repository}:${tag}: bringing it to the cluster`);
  const ref = await cluster.take({ builder, image, repository, tag, directory: work.path, signal });
  await builder.remove(image);
  return { ref };
}

function destinationOf(spec: DestinationSpec): Destination {
  return spec.kind === "minikube" ? minikubeDestination(spec.profile) : registryDestination(spec);
}

/**
 * The products' binaries on this machine, provided now: the cache may have been emptied since the digests were taken, or have been another
 * machine's. What was built from the same sources since is as good.
 */
async function productFiles({ files, arch }: ImageSpec, signal: AbortSignal): Promise<StagedProduct[]> {
  const staged: StagedProduct[] = [];
  for (const { product, binary } of files) {
    const { dir } = await provide(product, arch, { signal });
    staged.push({ from: join(dir, "bin", binary), to: binary });
  }
  return staged;
}

/** Local name of our own base image, which is built if the builder does not have it. */
async function ownBase(
  builder: Builder,
  { dockerfile, debian, node, tag }: BaseRecipe,
  arch: Arch,
  { root, progress, signal }: BuildContext,
): Promise<string> {
  const image = `localhost/peak/base:${tag}`;
  if (await builder.has(image)) return image;
  progress(`peak/base:${tag}: building`);
  const produce = async (directory: string): Promise<void> => {
    // One time for all files: the layer is the same whenever it is made, and registry and nodes keep it once.
    await run("mmdebstrap", [...debian, join(directory, "rootfs.tar")], { signal, env: { ...process.env, SOURCE_DATE_EPOCH: "0" } })
      .catch((cause: Error) => {
        signal.throwIfAborted();
        // mmdebstrap tells no more of it: a version that Debian no longer has, or servers that are not reached.
        const remedy = cause.message.includes("apt download failed")
          ? "\nDebian may have newer packages than when they were looked up last: look them up anew, by ./peak up --replace 'Command base-image'. " +
            "Where its servers are not reached, try again."
          : "";
        throw new Error(`${cause.message}${remedy}`, { cause });
      });
    await copyFile(join(await packageDirectory(root, node), "bin/node"), join(directory, "node"));
    await chmod(join(directory, "node"), 0o755);
    await writeFile(join(directory, "Dockerfile"), dockerfile);
  };
  const context = await cached(`image-base-${arch}-${tag}`, produce, { signal });
  await builder.build({ image, dockerfile: join(context, "Dockerfile"), context, arch });
  return image;
}

/** An empty private directory that is removed when disposed. What a killed run left there goes first. */
async function workDirectory(path: string): Promise<AsyncDisposable & { readonly path: string }> {
  // A builder that was just stopped may still write.
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  await remove();
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: remove };
}
