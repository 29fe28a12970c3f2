import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../shell/run.ts";
import { hostArch } from "../toolchain/products.ts";
import { provide } from "../toolchain/provide.ts";
import { fakeContext, type FakeContext } from "./harness/kube-context.ts";
import { runStack } from "./stacks/mocks.ts";

// The command line itself, as a user without ./peak runs it; only the Node language host is a stand-in (harness/language-host.ts).

const root = dirname(import.meta.dirname);
let scratch: string;
let engine: string;
let existing: FakeContext;

beforeAll(async () => {
  existing = await fakeContext("minikube");
  scratch = mkdtempSync(join(tmpdir(), "peak-official-cli-"));
  engine = join((await provide("engine", hostArch)).dir, "bin", "pulumi");
}, 600_000);

afterAll(async () => {
  await existing?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** Runs a program as one who has nothing but it: resolves to what it printed. */
function runAlone(program: string, args: readonly string[], cwd = root): Promise<string> {
  const env = {
    PATH: [
      dirname(process.execPath),
      join(import.meta.dirname, "harness", "bin"),
      join(root, "toolchain", "providers", "bin"),
      existing.env.PATH,
    ].join(delimiter),
    HOME: scratch,
    KUBECONFIG: existing.env.KUBECONFIG,
    PULUMI_HOME: join(scratch, "home"),
    PULUMI_BACKEND_URL: `file://${scratch}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PEAK_LOCAL_NAME: "peakcli", // beside a local stack that may be running
  };
  return run(program, args, { cwd, env, signal: AbortSignal.timeout(500_000) });
}

/** `TYPE NAME` of resources, sorted; without the stack and the providers, of which the engine makes some itself. */
function sorted(resources: readonly { type: string; name: string }[]): string[] {
  return resources.filter(({ type }) => !type.startsWith("pulumi:")).map(({ type, name }) => `${type} ${name}`).sort();
}

/** A resource in the output of `pulumi preview --json`: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. */
function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = "", name = ""] = urn.split("::");
  return { type: types.split("$").at(-1)!, name };
}

test.each(["local", "pi-testbed", "minikube"])("`pulumi preview -s %s` runs the same program and changes nothing", async (stack) => {
  const directory = mkdtempSync(join(scratch, "project-"));
  const config = `Pulumi.${stack}.yaml`;
  for (const file of ["Pulumi.yaml", config]) copyFileSync(join(root, file), join(directory, file));
  // It writes the salt of the stack's secrets into the stack file: the copy keeps the committed one clean.
  await runAlone(engine, ["stack", "init", stack, "--non-interactive"], directory);

  const preview = await runAlone(engine, ["preview", "-s", stack, "--non-interactive", "--json", "--config-file", join(directory, config)]);
  const { steps, changeSummary } = JSON.parse(preview) as {
    steps: { op: string; urn: string }[];
    changeSummary: Record<string, number>;
  };
  expect(changeSummary).toEqual({ create: steps.length });
  expect(sorted(steps.map(({ urn }) => parseUrn(urn)))).toEqual(sorted((await runStack(stack)).resources));

  const left = JSON.parse(await runAlone("node", ["programs/virtual/main.ts", "list"])) as Record<string, unknown[]>;
  expect(Object.values(left).flat()).toEqual([]);
});
