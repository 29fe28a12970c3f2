import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { circles, dnsServer, fold, type Imports, misdirected, readImports } from "./rooms.ts";

const root = join(import.meta.dirname, "..");
const all = readImports(root);

describe("the project", () => {
  test("has no circle of imports", () => expect(circles(all)).toEqual([]));

  test("has no circle of domains among its components", () => {
    expect(circles(fold(all, (path) => /^components\/([^/]+)\//.exec(path)?.[1]))).toEqual([]);
  });

  test("imports one way", () => expect(misdirected(all)).toEqual([]));

  test("has a line in the table of folders for each", () => {
    const folders = new Set([...all.keys()].flatMap((path) => (path.includes("/") ? [path.split("/")[0]!] : [])));
    const rows = readFileSync(join(root, "docs/architecture.md"), "utf8").split("\n").filter((line) => line.startsWith("| `"));
    const described = rows.flatMap((row) => row.split("|")[1]!.match(/[\w-]+(?=\/`)/g) ?? []);
    expect([...folders].filter((folder) => !described.includes(folder))).toEqual([]);
  });

  test("has the folders of the DNS server in its README, in the order in which they import", () => {
    const rows = readFileSync(join(root, "dns-server/README.md"), "utf8").split("## Where things are")[1]!.matchAll(/^\| `(\S+)\/` \|/gm);
    const described = Array.from(rows, ([, folder]) => folder!);
    expect(described.filter((folder) => dnsServer.includes(folder))).toEqual(dnsServer);
    const folders = new Set([...all.keys()].flatMap((path) => /^dns-server\/([^/]+)\//.exec(path)?.[1] ?? []));
    expect([...folders].filter((folder) => !described.includes(folder))).toEqual([]);
  });
});

describe("what is found", () => {
  const files = (...entries: [string, ...string[]][]): Imports => new Map(entries.map(([from, ...to]) => [from, to]));

  test("circles, each once, with the way around", () => {
    const found = circles(files(["a.ts", "b.ts"], ["b.ts", "c.ts", "a.ts"], ["c.ts", "b.ts", "d.ts"], ["d.ts"], ["e.ts", "a.ts", "e.ts"]));
    expect(found).toEqual(["b.ts -> c.ts -> b.ts", "a.ts -> b.ts -> a.ts", "e.ts -> e.ts"]);
  });

  test.each<[string, string, RegExp]>([
    ["programs/x/main.ts", "components/y/z.ts", /^programs\/x\/main\.ts imports components\/y\/z\.ts: programs imports of ours nothing but hardware, /],
    ["toolchain/x.ts", "programs/x.ts", /toolchain imports of ours nothing but shell/],
    ["toolchain/x.ts", "toolchain/providers/shared/diff.ts", /toolchain imports of ours nothing but shell/],
    ["shell/x.ts", "toolchain/cache.ts", /shell imports nothing of ours/],
    ["dns-server/x.ts", "@pulumi/pulumi", /dns-server imports nothing of ours/],
    ["dns-server/x.ts", "shell/run.ts", /dns-server imports nothing of ours/],
    ["services/a/main.ts", "services/b/app.ts", /services import services\/shared, never each other/],
    ["services/shared/http.ts", "services/a/app.ts", /never each other/],
    ["components/service/x.ts", "services/a/main.ts", /components imports of ours nothing but/],
    ["components/x/y.ts", "cli/paths.ts", /components imports of ours nothing but/],
    ["components/x/y.test.ts", "cli/paths.ts", /components imports of ours nothing but/],
    ["components/monitoring/y.ts", "components/peakdns/z.ts", /a domain of components imports no other but node, /],
    ["components/node/y.ts", "components/cluster/z.ts", /a domain of components imports no other but node, /],
    ["index.ts", "dns-server/config.ts", /index\.ts imports of ours nothing but/],
    ["elsewhere/x.ts", "shell/run.ts", /none of the rooms/],
    ["dns-server/wire/x.ts", "dns-server/zone/y.ts", /folders of the DNS server import those below them/],
    ["dns-server/steering/x.ts", "dns-server/kubernetes/y.ts", /import those below them/],
    ["dns-server/source/x.ts", "dns-server/server.ts", /import those below them/],
    ["dns-server/view/x.ts", "dns-server/testing/y.ts", /import those below them/],
    ["dns-server/server.ts", "dns-server/testing/y.ts", /import those below them/],
    ["dns-server/elsewhere/x.ts", "dns-server/wire/y.ts", /in no folder of the DNS server/],
  ])("%s imports %s", (from, to, message) => expect(misdirected(files([from, to]))).toEqual([expect.stringMatching(message)]));

  test.each([
    ["dns-server/x.test.ts", "shell/run.ts"],
    ["dns-server/x.test.ts", "test/harness/api-server.ts"],
    ["services/a/main.ts", "services/shared/http.ts"],
    ["components/cluster/x.ts", "components/node/host.ts"],
    ["components/cluster/x.ts", "components/config.ts"],
    ["cli/x.ts", "index.ts"],
    ["test/x.ts", "cli/x.ts"],
    ["dns-server/x.ts", "node:fs"],
    ["dns-server/zone/x.ts", "dns-server/wire/y.ts"],
    ["dns-server/zone/x.ts", "dns-server/zone/y.ts"],
    ["dns-server/server.ts", "dns-server/control/x.ts"],
    ["dns-server/wire/x.test.ts", "dns-server/server.ts"],
    ["dns-server/bench/x.ts", "dns-server/server.ts"],
    ["dns-server/x.ts", "zod"],
  ])("nothing where %s imports %s", (from, to) => expect(misdirected(files([from, to]))).toEqual([]));

  test("types, dynamic imports and workers count", () => {
    expect(all.get("dns-server/zone/overlay.ts")).toContain("dns-server/zone/node.ts"); // a type
    expect(all.get("cli/engine/session.ts")).toContain("index.ts"); // import()
    expect(all.get("services/echo/burner.ts")).toContain("services/echo/burn.worker.ts"); // new URL()
  });
});
