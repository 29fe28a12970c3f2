import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contextParts, entryContext, folderContext, type Tree } from "./context.ts";
import { contentTag } from "./hash.ts";
import { diskTree } from "./tree.ts";

type Files = Record<string, string>;

function memoryTree(files: Files): Tree {
  return {
    read(path) {
      if (!Object.hasOwn(files, path)) throw new Error("no such file");
      return { bytes: Buffer.from(files[path]!), executable: path.endsWith(".sh") };
    },
    list: (folder) => Object.keys(files).filter((path) => path.startsWith(`${folder}/`)),
  };
}

function lock(packages: Record<string, object>): string {
  const entry = (name: string, rest: object) => [`node_modules/${name}`, { version: "1.0.0", integrity: `sha512-${name}`, ...rest }];
  const entries = Object.entries(packages).map(([name, rest]) => entry(name, rest));
  return JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(entries) });
}

const project: Files = {
  "package-lock.json": lock({ metrics: { dependencies: { tree: "1" } }, tree: {}, other: {} }),
  "services/one/Dockerfile": "FROM one",
  "services/one/main.ts": 'import { app } from "./app.ts"; import type { T } from "./types.ts"; import "node:fs/promises"; import "fs";',
  "services/one/app.ts": 'import "../shared/serve.ts"; new Worker(new URL("./app.worker.ts", import.meta.url));',
  "services/one/app.worker.ts": "",
  "services/one/app.test.ts": 'import "vitest";',
  "services/one/types.ts": "export type T = 1;",
  "services/shared/serve.ts": 'import { Registry } from "metrics"; import icon from "./icon.svg";',
  "services/shared/icon.svg": '<svg>import "nothing"</svg>',
  "services/shared/unused.ts": "",
  "services/two/Dockerfile": "FROM two",
  "services/two/main.ts": 'import "../shared/serve.ts"; import "other/sub";',
};

const context = (files: Files, entry = "services/one/main.ts") => entryContext(memoryTree(files), entry, "amd64");
const tag = (files: Files, entry?: string) => contentTag(contextParts(context(files, entry)));
const both = (files: Files) => [tag(files), tag(files, "services/two/main.ts")];

describe("entryContext", () => {
  it("has what the entry loads, workers and data too, and neither types nor tests", () => {
    const { dockerfile, files, packages } = context(project);
    expect(Buffer.from(dockerfile).toString()).toBe("FROM one");
    expect(files.map(({ path }) => path).sort()).toEqual([
      "package.json",
      "services/one/app.ts",
      "services/one/app.worker.ts",
      "services/one/main.ts",
      "services/shared/icon.svg",
      "services/shared/serve.ts",
    ]);
    expect(packages.map(({ path }) => path)).toEqual(["node_modules/metrics", "node_modules/tree"]);
  });

  it("needs no lockfile when no package is imported", () => {
    expect(context({ Dockerfile: "", "main.ts": 'import "node:fs";' }, "main.ts").packages).toEqual([]);
  });

  it("says who imports what is not there", () => {
    const broken = { ...project, "services/one/app.ts": 'import "./gone.ts";' };
    expect(() => context(broken)).toThrow("services/one/app.ts needs services/one/gone.ts, which cannot be read: no such file");
    const outside = { ...project, "services/one/app.ts": 'import "../../../etc/passwd";' };
    expect(() => context(outside)).toThrow("it is outside of the project");
  });

  it("holds for the services that there are", () => {
    const { files, packages } = entryContext(diskTree(join(import.meta.dirname, "../..")), "services/echo/main.ts", "arm64");
    expect(files.map(({ path }) => path)).toContain("services/echo/burn.worker.ts");
    expect(packages.map(({ name }) => name)).toContain("prom-client");
  });
});

describe("the tag of a service", () => {
  const [one, two] = both(project);

  it("changes with its own modules and Dockerfile, and not with those of others", () => {
    for (const path of ["services/one/main.ts", "services/one/app.worker.ts", "services/one/Dockerfile"]) {
      const [other, same] = both({ ...project, [path]: `${project[path]}\n` });
      expect([other === one, same === two]).toEqual([false, true]);
    }
  });

  it("changes with what is shared, if it loads that", () => {
    const used = both({ ...project, "services/shared/icon.svg": "<svg/>" });
    expect([used[0] === one, used[1] === two]).toEqual([false, false]);
    expect(both({ ...project, "services/shared/unused.ts": "1;", "services/one/types.ts": "", "README.md": "" })).toEqual([one, two]);
  });

  it("changes with the packages that it needs, and with no other part of the lockfile", () => {
    const newer = { version: "1.0.1" };
    const metrics = { dependencies: { tree: "1" } };
    expect(both({ ...project, "package-lock.json": lock({ metrics, tree: {}, other: newer, more: {} }) })[0]).toBe(one);
    expect(both({ ...project, "package-lock.json": lock({ metrics, tree: newer, other: {} }) })[0]).not.toBe(one);
    expect(both({ ...project, "package-lock.json": lock({ metrics, tree: { integrity: "sha512-y" }, other: {} }) })[0]).not.toBe(one);
  });
});

describe("folderContext", () => {
  it("has the files beside the Dockerfile", () => {
    const tree = memoryTree({ "tool/Dockerfile": "FROM x", "tool/run.sh": "", "tool/sub/a": "", "toolbox/b": "" });
    const { dockerfile, files } = folderContext(tree, "tool");
    expect(Buffer.from(dockerfile).toString()).toBe("FROM x");
    expect(files.map(({ path, executable }) => ({ path, executable }))).toEqual([
      { path: "run.sh", executable: true },
      { path: "sub/a", executable: false },
    ]);
  });
});
