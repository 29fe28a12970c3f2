import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { versions } from "../../toolchain/versions.ts";
import { cached } from "../../toolchain/cache.ts";
import { build } from "../../toolchain/go.ts";
import { hostArch, keyOf, type Buildable } from "../../toolchain/products.ts";
import { progressOn } from "../../toolchain/progress.ts";

const clients: Buildable = {
  name: "dns-clients",
  version: versions.externalDns,
  module: join(import.meta.dirname, "dns-clients"),
  build: { programs: [{ package: ".", file: "dns-clients" }] },
};

/** Path of the program of `dns-clients/`: built the first time, which takes minutes. */
export async function provideDnsClients(): Promise<string> {
  const dir = await cached(keyOf(clients, hostArch), async (entry) => {
    const bin = join(entry, "bin");
    await mkdir(bin);
    await build(clients, hostArch, bin, progressOn(process.stderr));
  });
  return join(dir, "bin", "dns-clients");
}
