import { describe, expect, test } from "vitest";
import { asset, secret, UNKNOWN, type Properties } from "../shared/properties.ts";
import type { Operation } from "../shared/provider.ts";
import { commandProvider } from "./provider.ts";

const provider = commandProvider("1.0.0");
const local = { type: "command:local:Command", name: "subject" };
const remote = { ...local, type: "command:remote:Command" };
const copy = { ...local, type: "command:remote:CopyToRemote" };
const operation: Operation = { signal: new AbortController().signal, progress: () => {} };

const check = (resource: typeof local, news: Properties) => provider.check({ ...resource, news });

describe("check", () => {
  test("leaves inputs of a local command as they are", async () => {
    expect(await check(local, { create: "true" })).toEqual({ inputs: { create: "true" }, failures: [] });
  });

  test("completes a connection, and marks its secrets", async () => {
    const defaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
    const given = { host: "::1", port: 2222, privateKey: "k", proxy: { host: "b", password: secret("p") } };
    const complete = secret({
      ...defaults,
      ...given,
      privateKey: secret("k"),
      proxy: { ...defaults, host: "b", password: secret("p") },
    });
    for (const resource of [remote, copy]) {
      expect((await check(resource, { connection: given })).inputs["connection"]).toEqual(complete);
      expect((await check(resource, { connection: secret(given) })).inputs["connection"]).toEqual(complete);
    }
  });

  test.each<[string, typeof local, Properties, string]>([
    ["a wrong type", local, { create: 1 }, "create"],
    ["a wrong type in a secret", local, { environment: secret({ A: 1 }) }, "environment.A"],
    ["an unknown stream", local, { logging: "all" }, "logging"],
    ["a missing connection", remote, { create: "true" }, "connection"],
    [
      "an asset that is not here",
      copy,
      { connection: { host: "h" }, remotePath: "/", source: asset({ uri: "https://example.com" }) },
      "source",
    ],
  ])("names the input for %s", async (_name, resource, news, property) => {
    expect((await check(resource, news)).failures).toEqual([expect.objectContaining({ property })]);
  });

  test("names an input that does not exist", async () => {
    expect((await check(local, { creat: "true" })).failures?.[0]?.reason).toContain("creat");
  });

  test("lets unknown inputs pass", async () => {
    const news = { stdin: UNKNOWN, environment: { A: UNKNOWN }, interpreter: UNKNOWN };
    expect((await check(local, news)).failures).toEqual([]);
    expect((await check(remote, { connection: secret(UNKNOWN) })).failures).toEqual([]);
  });

  test("refuses a resource type that the plugin does not have", async () => {
    await expect(check({ ...local, type: "command:remote:CopyFile" }, {})).rejects.toThrow(/has no command:remote:CopyFile; it has/);
  });
});

describe("diff", () => {
  const diff = (oldInputs: Properties, news: Properties) => provider.diff({ ...local, olds: {}, oldInputs, news });

  test("what the plugin stored before it stored what the official one does is no difference", async () => {
    expect((await diff({ create: "a", addPreviousOutputInEnv: true }, { create: "a" })).changes.size).toBe(0);
    expect((await diff({ create: "a" }, { create: "a", addPreviousOutputInEnv: true })).changes.size).toBe(0);
    expect((await diff({ create: "a" }, { create: "a", addPreviousOutputInEnv: false })).changes.size).toBe(1);
    const news = (await check(remote, { connection: { host: "h", privateKey: "k" } })).inputs;
    const oldInputs = { connection: secret({ host: "h", privateKey: "k", user: "root" }), addPreviousOutputInEnv: true };
    expect((await provider.diff({ ...remote, olds: {}, oldInputs, news })).changes.size).toBe(0);
  });

  test("a trigger replaces, any other input updates", async () => {
    const { changes, replaces } = await diff({ create: "a", triggers: [1] }, { create: "b", triggers: [2] });
    expect([...changes.keys()]).toEqual(["create", "triggers[0]"]);
    expect(replaces).toEqual(["triggers[0]"]);
  });
});

describe("preview", () => {
  test("runs nothing and knows no output", async () => {
    const inputs = { create: "exit 1", assetPaths: ["*"] };
    expect(await provider.create({ ...local, ...operation, inputs, preview: true })).toEqual({
      id: "",
      outputs: { ...inputs, stdout: UNKNOWN, stderr: UNKNOWN, assets: UNKNOWN },
    });
  });
});

describe("update", () => {
  const update = (olds: Properties, news: Properties) => provider.update({ ...local, ...operation, olds, news, preview: false });

  test("keeps the outputs when there is nothing to run", async () => {
    expect(await update({ stdout: "before", stderr: "" }, { delete: "true" })).toEqual({ delete: "true", stdout: "before", stderr: "" });
  });

  test("hands the output of the last run to the next one, unless told not to", async () => {
    const news = { create: 'echo "${PULUMI_COMMAND_STDOUT-none}"' };
    expect((await update({ stdout: secret("before") }, news))["stdout"]).toBe("before");
    expect((await update({ stdout: "before" }, { ...news, addPreviousOutputInEnv: false }))["stdout"]).toBe("none");
  });
});
