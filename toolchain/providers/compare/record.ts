/**
 * Records what installed official plugins store of this project's resources: `PEAK_PLUGIN_PATH=DIR node toolchain/providers/compare/record.ts
 * PLUGIN VERSION`, with the version of the plugin's sources. Writes PLUGIN/official.json.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { officialPlugin } from "./official.ts";
import { withSample, type ComparedPlugin } from "./sample.ts";
import { startPlugin, type Stored } from "./plugin.ts";
import { masked, type Recording } from "./recording.ts";

const [name, version] = process.argv.slice(2) as [ComparedPlugin, string];
const folder = officialPlugin(name);
if (folder === undefined) throw new Error(`the official plugin ${name} is not installed; name its folder in PEAK_PLUGIN_PATH`);
await withSample(name, async ({ resources, masks }, config) => {
  await using plugin = await startPlugin(folder, name, config);
  const recorded: Record<string, Stored> = {};
  for (const resource of resources) recorded[resource.name] = masked(await plugin.create(resource), masks);
  const recording: Recording = { version, recorded: new Date().toISOString().slice(0, 10), resources: recorded };
  await writeFile(join(import.meta.dirname, "..", name, "official.json"), `${JSON.stringify(recording, undefined, 1)}\n`);
});
