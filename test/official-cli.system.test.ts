import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Copy } from "./e2e/clone.ts";
import { fakeContext, type FakeContext } from "./harness/kube-context.ts";
import { OfficialCli, type OfficialUser } from "./harness/official-cli.ts";
import { runStack } from "./stacks/mocks.ts";

// The command line itself, as a user without ./peak runs it.

const root = dirname(import.meta.dirname);
let scratch: string;
let user: OfficialUser;
let official: OfficialCli;
let existing: FakeContext;

beforeAll(async () => {
  existing = await fakeContext("minikube");
  scratch = mkdtempSync(join(tmpdir(), "peak-official-cli-"));
  user = {
    clone: root,
    home: scratch,
    env: {
      ...existing.env,
      PULUMI_BACKEND_URL: `file://${scratch}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PEAK_LOCAL_NAME: "peakcli", // beside a local stack that may be running
    },
  };
  official = await OfficialCli.for(user);
}, 600_000);

afterAll(async () => {
  await existing?.[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

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
  await official.pulumi(["stack", "init", stack], directory);

  const preview = await official.pulumi(["preview", "-s", stack, "--json", "--config-file", join(directory, config), "--policy-pack", "policy/pack"]);
  const { steps, changeSummary } = JSON.parse(preview) as {
    steps: { op: string; urn: string }[];
    changeSummary: Record<string, number>;
  };
  expect(changeSummary).toEqual({ create: steps.length });
  expect(sorted(steps.map(({ urn }) => parseUrn(urn)))).toEqual(sorted((await runStack(stack)).resources));

  const left = JSON.parse(await official.run("node", ["programs/virtual/main.ts", "list"])) as Record<string, unknown[]>;
  expect(Object.values(left).flat()).toEqual([]);
});

test("`pulumi preview --policy-pack policy/pack` refuses what a policy forbids", async () => {
  await using copy = new Copy({});
  copy.edit("components/kubernetes/pod.ts", (text) => text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"));
  const backend = mkdtempSync(join(scratch, "backend-"));
  const other = await OfficialCli.for({ ...user, clone: copy.directory, env: { ...user.env, PULUMI_BACKEND_URL: `file://${backend}` } });
  await other.pulumi(["stack", "init", "minikube", "--no-select"]);
  await expect(other.pulumi(["preview", "-s", "minikube", "--policy-pack", "policy/pack"])).rejects.toThrow(/least-privilege[^]*writable root file system/);
});
