import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached } from "../../toolchain/cache.ts";
import { acquire } from "../../toolchain/lock.ts";
import type { Architecture } from "../node/host.ts";
import { type Builder, findBuilder, writeSecrets } from "./builder.ts";
import { forward } from "./forward.ts";
import { packageDirectory } from "./npm.ts";
import { type BaseRecipe, baseRecipe, imageRecipe } from "./recipe.ts";
import { hostAndPort, manifestDigest } from "./registry.ts";
import { run } from "./run.ts";
import type { BuildRequest, BuildResult } from "./spec.ts";
import { stage } from "./stage.ts";
import { diskTree } from "./tree.ts";

/**
 * Builds an image of the project at `root` and pushes it, unless the registry has its content tag already. Several at once are safe: they take turns.
 * `progress` is told what begins.
 */
export async function buildImage(root: string, { image: spec, registry }: BuildRequest, progress: (line: string) => void): Promise<BuildResult> {
  const tree = diskTree(root);
  const { context, tag } = imageRecipe(tree, spec);
  const repository = `peak/${spec.name}`;
  const result = (digest: string): BuildResult => ({ ref: `${registry.host}/${repository}:${tag}@${digest}`, tag, digest });

  const known = await manifestDigest(registry, repository, tag);
  if (known !== undefined) {
    progress(`${repository}:${tag} is in the registry`);
    return result(known);
  }

  const storage = await cached("image-storage", async () => {});
  using _turn = await acquire(join(storage, "lock"), { onWait: () => progress(`${repository}: waiting for another build`) });
  const builder = await findBuilder(storage);
  await builder.sweep();
  const base = spec.base ?? (await ownBase(builder, root, baseRecipe(tree, spec.arch), spec.arch, progress));

  await using work = await temporary();
  const image = `localhost/${repository}:${tag}`;
  const directory = join(work.path, "context");
  const dockerfile = join(work.path, "Dockerfile");
  progress(`${repository}:${tag}: building`);
  await stage(directory, root, context, spec.files);
  await writeFile(dockerfile, context.dockerfile);
  await builder.build({ image, dockerfile, context: directory, arch: spec.arch, base });

  progress(`${repository}:${tag}: pushing`);
  await using forwarder = await forward(registry.address, hostAndPort(registry).port);
  const host = `localhost:${forwarder.port}`;
  await writeSecrets(work.path, { ...registry, registry: host });
  await builder.push({ image, target: `${host}/${repository}:${tag}`, secrets: work.path });
  await builder.remove(image);

  const pushed = await manifestDigest(registry, repository, tag);
  if (pushed === undefined) throw new Error(`registry ${registry.host} took ${repository}:${tag} and does not have it: see its log`);
  return result(pushed);
}

/** Local name of our own base image, which is built if the builder does not have it. */
async function ownBase(
  builder: Builder,
  root: string,
  { dockerfile, debian, node, tag }: BaseRecipe,
  arch: Architecture,
  progress: (line: string) => void,
): Promise<string> {
  const image = `localhost/peak/base:${tag}`;
  if (await builder.has(image)) return image;
  progress(`peak/base:${tag}: building`);
  const context = await cached(`image-base-${arch}-${tag}`, async (directory) => {
    // One time for all files: the layer is the same whenever it is made, and registry and nodes keep it once.
    await run("mmdebstrap", [...debian, join(directory, "rootfs.tar")], { env: { ...process.env, SOURCE_DATE_EPOCH: "0" } });
    await copyFile(join(await packageDirectory(root, node), "bin/node"), join(directory, "node"));
    await chmod(join(directory, "node"), 0o755);
    await writeFile(join(directory, "Dockerfile"), dockerfile);
  });
  await builder.build({ image, dockerfile: join(context, "Dockerfile"), context, arch });
  return image;
}

/** A private directory that is removed when disposed. */
async function temporary(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "peak-image-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
