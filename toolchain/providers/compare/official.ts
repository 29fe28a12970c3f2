import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { createRequire } from "node:module";
import { pluginBinary, type PluginName } from "../../products.ts";

/** The folder of an official plugin that is installed: in PEAK_PLUGIN_PATH, or where the engine keeps its own. */
export function officialPlugin(name: PluginName): string | undefined {
  const { version } = createRequire(import.meta.url)(`@pulumi/${name}/package.json`) as { version: string };
  const home = process.env["PULUMI_HOME"] || join(homedir(), ".pulumi");
  const folders = [...(process.env["PEAK_PLUGIN_PATH"] ?? "").split(delimiter), join(home, "plugins", `resource-${name}-v${version}`)];
  return folders.find((folder) => folder !== "" && existsSync(join(folder, pluginBinary(name))));
}
