import { access, constants } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { type PluginName, pluginBinary } from "../../toolchain/products.ts";
import type { Progress } from "../../toolchain/progress.ts";
import { providePlugin } from "../../toolchain/provide.ts";
import { root } from "../paths.ts";

const names: readonly PluginName[] = ["kubernetes", "command", "random", "tls"];

/** The bundled plugins: they implement of the official ones what this project uses. With them is what runs the policy pack. */
const bundled = join(root, "toolchain", "providers", "bin");

/**
 * Directories to put on the engine's PATH, for each plugin one: where PEAK_PLUGIN_PATH points to; else the official plugin, installed or
 * downloaded; else the bundled one.
 */
export async function pluginDirectories(log: Progress, signal: AbortSignal, env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const directories = await Promise.all(
    names.map(async (name) => {
      const version = sdkVersion(name);
      const installed = join(env["PULUMI_HOME"] || join(homedir(), ".pulumi"), "plugins", `resource-${name}-v${version}`);
      const here = [...(env["PEAK_PLUGIN_PATH"] ?? "").split(delimiter).filter(Boolean), installed];
      for (const directory of here) {
        if (await isExecutable(join(directory, pluginBinary(name)))) return directory;
      }
      const downloaded = await providePlugin(name, version, { log, signal });
      return downloaded === undefined ? bundled : join(downloaded, "bin");
    }),
  );
  return [...new Set([...directories, bundled])];
}

/** The engine wants the plugin of the same version as the SDK package. */
function sdkVersion(name: PluginName): string {
  const { version } = createRequire(import.meta.url)(`@pulumi/${name}/package.json`) as { version: string };
  return version.replace(/^v/, "");
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
