/** The bundled plugins against the official ones: against recordings of what those store, and against themselves where they are installed. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundled } from "../shared/stack.ts";
import { officialPlugin } from "./official.ts";
import { startPlugin, type Declared } from "./plugin.ts";
import { masked, type Recording } from "./recording.ts";
import { spellings } from "./resources.ts";
import { withSample, type ComparedPlugin } from "./sample.ts";

const nothing = { changes: [], replaces: [] };

const turns = [
  ["the official one goes on with what the bundled one made", "bundled"],
  ["the bundled one goes on with what the official one made", "official"],
];

function recordingOf(name: ComparedPlugin): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, "..", name, "official.json"), "utf8")) as Recording;
}

describe.each<ComparedPlugin>(["command", "random", "kubernetes"])("%s", (name) => {
  const official = officialPlugin(name);

  test("the bundled plugin stores what the official one stores, and finds nothing to do", { timeout: 300_000 }, async () => {
    await withSample(name, async ({ resources, masks }, config) => {
      await using plugin = await startPlugin(bundled, name, config);
      const recorded = recordingOf(name).resources;
      expect(Object.keys(recorded)).toEqual(resources.map((resource) => resource.name));
      for (const resource of resources) {
        const stored = await plugin.create(resource);
        const read = (await plugin.read(resource, stored))!;
        for (const state of [stored, read]) {
          expect(masked(state, masks), resource.name).toEqual(recorded[resource.name]);
          expect(await plugin.diff(resource, state), resource.name).toEqual(nothing);
        }
      }
    });
  });

  test.skipIf(official === undefined).each(turns)("%s (needs the official plugin)", { timeout: 300_000 }, async (_, first) => {
    const folders = first === "bundled" ? [bundled, official!] as const : [official!, bundled] as const;
    await withSample(name, async ({ resources, masks }, config) => {
      await using maker = await startPlugin(folders[0], name, config);
      await using heir = await startPlugin(folders[1], name, config);
      const recorded = recordingOf(name).resources;
      for (const resource of resources) {
        const stored = await maker.create(resource);
        expect(masked(stored, masks), resource.name).toEqual(recorded[resource.name]);
        expect(await heir.diff(resource, stored), resource.name).toEqual(nothing);
        const read = (await heir.read(resource, stored))!;
        expect(masked(read, masks), resource.name).toEqual(recorded[resource.name]);
        expect(await maker.diff(resource, read), resource.name).toEqual(nothing);
      }
    });
  });
});

const kubernetes = officialPlugin("kubernetes");

test.skipIf(kubernetes === undefined).each(turns)("kubernetes: %s, and changes it (needs the official plugin)",
  { timeout: 300_000 }, async (_, first) => {
  const folders = first === "bundled" ? [bundled, kubernetes!] as const : [kubernetes!, bundled] as const;
  await withSample("kubernetes", async ({ resources, masks }, config) => {
    await using maker = await startPlugin(folders[0], "kubernetes", config);
    await using heir = await startPlugin(folders[1], "kubernetes", config);
    await maker.create(resources.find(({ name }) => name === "namespace")!);
    const before = resources.find(({ name }) => name === "service")!;
    const spec = { selector: { app: "echo", tier: "edge" }, ports: [{ name: "dns", port: 53, protocol: "UDP" }] };
    const after: Declared = { ...before, news: { ...before.news, spec } };

    const made = await maker.create(before);
    expect(await heir.diff(after, made)).toEqual({ changes: ["spec.ports[1]", "spec.selector.tier"], replaces: [] });
    const changed = await heir.update(after, made);
    const { selector, ports } = changed.outputs["spec"] as typeof spec;
    expect({ selector, ports }).toEqual({ ...spec, ports: [{ ...spec.ports[0], targetPort: 53 }] }); // and nothing of before
    expect(await maker.diff(after, changed)).toEqual(nothing);
    expect((await maker.read(after, changed))!.inputs).toEqual(changed.inputs);
    expect(masked(await maker.update(before, changed), masks)).toEqual(masked(made, masks));
  });
});

test("kubernetes: another spelling of an object is the same object, before and after a refresh", { timeout: 300_000 }, async () => {
  await withSample("kubernetes", async ({ resources }, config) => {
    await using stack = new AsyncDisposableStack();
    const plugins = [];
    for (const folder of kubernetes === undefined ? [bundled] : [bundled, kubernetes]) {
      plugins.push(stack.use(await startPlugin(folder, "kubernetes", config)));
    }
    await plugins[0]!.create(resources.find(({ name }) => name === "namespace")!);
    for (const [index, [what, name, change]] of spellings.entries()) {
      const { type, news } = resources.find((resource) => resource.name === name)!;
      for (const [turn, maker] of plugins.entries()) {
        const resource: Declared = { type, name: `spelling-${index}-${turn}`, news: change(news) };
        const made = await maker.create(resource);
        const states = [made];
        for (const reader of plugins) states.push((await reader.read(resource, made))!);
        for (const judge of plugins) {
          for (const state of states) expect(await judge.diff(resource, state), what).toEqual(nothing);
        }
      }
    }
  });
});
