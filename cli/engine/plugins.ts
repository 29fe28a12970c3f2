import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { which } from "../../shell/which.ts";
import { type PluginName, pluginBinary, pluginNames } from "../../toolchain/products.ts";
import type { Progress } from "../../toolchain/progress.ts";
import { providePlugin } from "../../toolchain/provide.ts";
import { root } from "../paths.ts";

/** The bundled plugins: they implement of the official ones what this project uses. With them is what runs the policy pack. */
const bundled = join(root, "toolchain", "providers", "bin");

/**
 * The PATH of the engine, which takes the first plugin of each name: for each the official one, where PEAK_PLUGIN_PATH points to, installed,
 * on PATH or downloaded. The bundled ones come after all of these, so that they stand in for a plugin that is missing and for no other.
 */
export async function enginePath(
  log: Progress,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env,
  download: typeof providePlugin = providePlugin,
): Promise<string> {
  const chosen = directoriesOf(env["PEAK_PLUGIN_PATH"]);
  const path = directoriesOf(env["PATH"]).filter((directory) => directory !== bundled);
  const official = await Promise.all(
    pluginNames.map(async (name) => {
      const version = sdkVersion(name);
      const installed = join(env["PULUMI_HOME"] || join(homedir(), ".pulumi"), "plugins", `resource-${name}-v${version}`);
      const found = which(pluginBinary(name), [...chosen, installed, ...path].join(delimiter));
      if (found !== undefined) return dirname(found);
      const downloaded = await download(name, version, { log, signal });
      return downloaded === undefined ? [] : join(downloaded, "bin");
    }),
  );
  return [...new Set([...chosen, ...official.flat(), ...path, bundled])].join(delimiter);
}

/** The engine wants the plugin of the same version as the SDK package. */
function sdkVersion(name: PluginName): string {
  const { version } = createRequire(import.meta.url)(`@pulumi/${name}/package.json`) as { version: string };
  return version.replace(/^v/, "");
}

function directoriesOf(path = ""): string[] {
  return path.split(delimiter).filter(Boolean);
}
