import { join } from "node:path";
import { cached } from "../../toolchain/cache.ts";
import type { Architecture } from "../node/host.ts";
import { versions } from "../versions.ts";
import { contentTag } from "./hash.ts";
import { run } from "./run.ts";
import type { DebianFiles } from "./spec.ts";

/** Gets files of a Debian package; resolves with their paths on this machine, in the order of `files`. They are kept in the cache. */
export async function fetchDebianFiles({ package: name, files }: DebianFiles, arch: Architecture, signal: AbortSignal): Promise<string[]> {
  const wanted = [
    "--quiet",
    "--variant=extract",
    `--architectures=${arch}`,
    `--include=${name}`,
    "--skip=output/dev", // a user other than root can make no devices
    versions.debian,
    "/dev/null",
  ];
  const key = contentTag([{ kind: "base", name: "debian", content: JSON.stringify([wanted, files]) }]);
  const produce = async (directory: string): Promise<void> => {
    await run("mmdebstrap", [`--extract-hook=copy-out ${files.join(" ")} ${directory}`, ...wanted], { signal });
  };
  const directory = await cached(`image-debian-${arch}-${key}`, produce, { signal });
  return files.map((file) => join(directory, file.slice(file.lastIndexOf("/"))));
}
