import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask } from "../cli/engine/environment.ts";
import { cacheRoot } from "../toolchain/cache.ts";
import { hostArch } from "../toolchain/products.ts";
import { provide } from "../toolchain/provide.ts";
import { Clone } from "./e2e/clone.ts";
import { fakeContext, type FakeContext } from "./harness/kube-context.ts";

// `./peak preview` writes nothing: not to the project, not to a backend, not to the user's home. The cache of downloads may grow.

let clone: Clone;
let scratch: string;
let existing: FakeContext;
beforeAll(async () => {
  existing = await fakeContext("minikube");
  clone = new Clone("peakprev", "1e5");
  scratch = mkdtempSync(join(tmpdir(), "peak-preview-test-"));
  for (const folder of ["home", "backend"]) mkdirSync(join(scratch, folder));
  Object.assign(clone.environment, {
    PEAK_CACHE: cacheRoot(),
    HOME: join(scratch, "home"),
    PULUMI_HOME: join(scratch, "home", "pulumi"),
    PULUMI_BACKEND_URL: `file://${join(scratch, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    TMPDIR: scratch,
    ...existing.env,
  });
});
afterAll(async () => {
  await existing?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
  await clone?.[Symbol.asyncDispose]();
});

const engine = async () => join((await provide("engine", hostArch)).dir, "bin", "pulumi");

/** What a user does who runs the engine's own command line in the project. */
async function pulumi(...args: string[]): Promise<string> {
  return ask(await engine(), args, { cwd: clone.directory, env: clone.environment });
}

/** Changes the state of the stack pi-testbed in its file. */
function editState(change: (latest: { resources: object[] }) => object): void {
  const file = join(scratch, "backend/.pulumi/stacks/peak/pi-testbed.json");
  const state = JSON.parse(readFileSync(file, "utf8")) as { checkpoint: { latest: { resources: object[] } } };
  Object.assign(state.checkpoint.latest, change(state.checkpoint.latest));
  writeFileSync(file, JSON.stringify(state));
}

/** Every file that a preview could write, with a digest of its content; packages of npm apart. */
function files(): string[] {
  const list = (directory: string): string[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.name === "node_modules") return [];
      if (entry.isDirectory()) return [path, ...list(path)];
      return [`${path} ${createHash("sha256").update(entry.isSymbolicLink() ? readlinkSync(path) : readFileSync(path)).digest("hex")}`];
    });
  return [...list(clone.directory), ...list(scratch)].sort();
}

test.each(["local", "pi-testbed", "minikube"])("a preview of the stack %s shows all that would be created, and writes nothing", async (stack) => {
  const before = files();
  const { code, stdout } = await clone.peak("preview", "--stack", stack, "--json");
  expect(code).toBe(0);
  const { resources, outputs, ...changes } = JSON.parse(stdout) as { create: number; resources: { op: string }[]; outputs: unknown[] };
  expect(Object.keys(changes)).toEqual(["create"]);
  expect(changes.create).toBeGreaterThan(20);
  expect(resources.map(({ op }) => op)).toEqual(Array(changes.create).fill("create"));
  expect(outputs.length).toBeGreaterThan(5);
  expect(files()).toEqual(before);
});

test("a context that is not there is refused before anything is made, by up as well", async () => {
  const before = files();
  Object.assign(clone.environment, { KUBECONFIG: join(scratch, "nowhere") });
  for (const words of [["preview"], ["up", "--yes"]]) {
    const { code, stderr } = await clone.peak(...words, "--stack", "minikube");
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("has no such context; it has none") as string });
  }
  Object.assign(clone.environment, existing.env);
  expect(files()).toEqual(before);
});

test("neither does one of a stack that is there, and was interrupted", async () => {
  await pulumi("stack", "init", "pi-testbed", "--no-select");
  const resource = (type: string, name: string) => ({ urn: `urn:pulumi:pi-testbed::peak::${type}::${name}`, type, custom: true, id: name });
  const provider = resource("pulumi:providers:random", "random");
  // As an export with plain secrets has it; the import encrypts it with the user's passphrase, which a copy does without.
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: '"a secret"' };
  const password = { ...resource("random:index/randomPassword:RandomPassword", "former"), provider: `${provider.urn}::${provider.id}`, outputs: { result: secret } };
  const exported = JSON.parse(await pulumi("stack", "export", "--stack", "pi-testbed")) as { deployment: object };
  Object.assign(exported.deployment, { resources: [provider, password] });
  const input = JSON.stringify(exported);
  await ask(await engine(), ["stack", "import", "--stack", "pi-testbed"], { cwd: clone.directory, env: clone.environment, input });
  // An import drops what is pending.
  editState((latest) => ({ pending_operations: [{ resource: latest.resources.at(-1), type: "updating" }] }));

  const before = files();
  const { code, stdout, stderr } = await clone.peak("preview", "--stack", "pi-testbed", "--json");
  expect({ code, changes: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, changes: { delete: 1 } });
  expect(stderr).toContain("an earlier run was interrupted: `up` does 1 unfinished operation again");
  expect(files()).toEqual(before);
});

test("the stack that the user has selected stays selected, whichever other one is worked on", async () => {
  await pulumi("stack", "init", "mine");
  const machines = { urn: "urn:pulumi:pi-testbed::peak::peak:node:Machines::machines", type: "peak:node:Machines", custom: false };
  editState(() => ({ resources: [machines], pending_operations: [] }));
  expect(await clone.peak("refresh", "--stack", "pi-testbed", "--yes")).toMatchObject({ code: 0 });
  expect((await pulumi("stack", "--show-name")).trim()).toBe("mine");
});

test.each([
  ["is asked for first", [], "there is no terminal to ask whether to rotate the dns keys of the stack minikube: add --yes"],
  ["is not enough where there is no stack", ["--yes"], "the stack minikube is not up: ./peak up --stack minikube"],
])("a rotation: the answer %s", async (_, options, said) => {
  const before = files();
  expect(await clone.peak("rotate", "dns", "--stack", "minikube", ...options)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) as string });
  expect(files()).toEqual(before);
});
