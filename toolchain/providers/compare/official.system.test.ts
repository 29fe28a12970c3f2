/** The bundled plugins against the official ones: against recordings of what those store, and against themselves where they are installed. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundled } from "../shared/stack.ts";
import { officialPlugin } from "./official.ts";
import { startPlugin, type Declared, type Plugin, type Stored } from "./plugin.ts";
import { masked, type Recording } from "./recording.ts";
import { withSample, type ComparedPlugin } from "./sample.ts";

const nothing = { changes: [], replaces: [] };

function recordingOf(name: ComparedPlugin): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, "..", name, "official.json"), "utf8")) as Recording;
}

async function createAll(plugin: Plugin, resources: readonly Declared[]): Promise<[Declared, Stored][]> {
  const all: [Declared, Stored][] = [];
  for (const resource of resources) all.push([resource, await plugin.create(resource)]);
  return all;
}

test("the bundled kubernetes plugin finds nothing to do after it has made an object, nor after a refresh", { timeout: 300_000 }, async () => {
  await withSample("kubernetes", async ({ resources, masks }, config) => {
    await using plugin = await startPlugin(bundled, "kubernetes", config);
    for (const [resource, stored] of await createAll(plugin, resources)) {
      const read = (await plugin.read(resource, stored))!;
      expect(masked(read, masks), resource.name).toEqual(masked(stored, masks));
      for (const state of [stored, read]) expect(await plugin.diff(resource, state), resource.name).toEqual(nothing);
    }
  });
});

describe.each<ComparedPlugin>(["command", "random"])("%s", (name) => {
  const official = officialPlugin(name);

  test("the bundled plugin stores what the official one stores, and finds nothing to do", { timeout: 300_000 }, async () => {
    await withSample(name, async ({ resources, masks }, config) => {
      await using plugin = await startPlugin(bundled, name, config);
      const recorded = recordingOf(name).resources;
      expect(Object.keys(recorded)).toEqual(resources.map((resource) => resource.name));
      for (const [resource, stored] of await createAll(plugin, resources)) {
        expect(masked(stored, masks), resource.name).toEqual(recorded[resource.name]);
        expect(await plugin.diff(resource, stored), resource.name).toEqual(nothing);
        expect(masked((await plugin.read(resource, stored))!, masks), resource.name).toEqual(recorded[resource.name]);
      }
    });
  });

  test.skipIf(official === undefined).each([
    ["the official one goes on with what the bundled one made", "bundled"],
    ["the bundled one goes on with what the official one made", "official"],
  ])("%s (needs the official plugin)", { timeout: 300_000 }, async (_, first) => {
    const folders = first === "bundled" ? [bundled, official!] as const : [official!, bundled] as const;
    await withSample(name, async ({ resources, masks }, config) => {
      await using maker = await startPlugin(folders[0], name, config);
      await using heir = await startPlugin(folders[1], name, config);
      const recorded = recordingOf(name).resources;
      for (const [resource, stored] of await createAll(maker, resources)) {
        expect(masked(stored, masks), resource.name).toEqual(recorded[resource.name]);
        expect(await heir.diff(resource, stored), resource.name).toEqual(nothing);
        const read = (await heir.read(resource, stored))!;
        expect(masked(read, masks), resource.name).toEqual(recorded[resource.name]);
        expect(await maker.diff(resource, read), resource.name).toEqual(nothing);
      }
    });
  });
});
