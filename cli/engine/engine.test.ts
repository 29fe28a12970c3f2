import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { backendDirectory, isHeld, programOf, thisHost, type ProcessTable } from "./locks.ts";
import { sessionOf } from "./orphans.ts";
import { parseOutputs } from "./outputs.ts";
import { backendFault } from "./environment.ts";
import { checkStackFile, ownStackFile, withKeys, withoutEncryption } from "./stack-file.ts";
import { knownResources, pendingCount, withoutPending, withoutProtection } from "./state.ts";

describe("locks of the file backend", () => {
  const processes: ProcessTable = { hostname: "here", program: async (pid) => ({ 7: "pulumi", 8: "bash" })[pid] };
  test.each([
    ["an engine that runs", { pid: 7, hostname: "here" }, true],
    ["nobody", { pid: 9, hostname: "here" }, false],
    ["somebody else, after a reboot", { pid: 8, hostname: "here" }, false],
    ["a lock that was half written", { pid: 0, hostname: "here" }, false],
    ["another host, of which nothing is known", { pid: 9, hostname: "there" }, true],
  ])("held by %s", async (_, lock, held) => expect(await isHeld({ timestamp: "", ...lock }, processes)).toBe(held));

  test.each([
    ["file:///srv/state", "/srv/state"],
    ["file:///srv/state?metadata=skip", "/srv/state"],
    ["file://~", homedir()],
    ["file://~/state", join(homedir(), "state")],
    ["https://api.pulumi.com", undefined],
    ["s3://bucket", undefined],
    [undefined, undefined],
  ])("of the backend %s are in %s", (url, directory) => expect(backendDirectory(url)).toBe(directory));
});

describe("sessions", () => {
  test.each([
    ["7 (node) S 1 7 5 0 -1", 5],
    ["7 (a) b) S 1) S 1 7 5 0 -1", 5],
    ["7 (node) Z 1 7 5 0 -1", undefined],
    ["", undefined],
  ])("of %s", (stat, session) => expect(sessionOf(stat)).toBe(session));
});

describe("state", () => {
  const resources = [
    { urn: "stack", type: "pulumi:pulumi:Stack" },
    { urn: "provider", type: "pulumi:providers:command", custom: true },
    { urn: "machines", type: "peak:node:Machines", parent: "stack" },
    { urn: "key", type: "command:local:Command", parent: "machines", custom: true },
  ];
  test("knows what the engine tells of", () => {
    expect(knownResources({ version: 3, deployment: { resources } })).toEqual([
      { urn: "machines", parent: "stack", custom: false },
      { urn: "key", parent: "machines", custom: true },
    ]);
    expect(knownResources({ version: 3, deployment: {} })).toEqual([]);
  });

  test("drops pending operations and nothing else", () => {
    const pending = ["creating", "reading"].map((type) => ({ type, resource: resources[3] }));
    const interrupted = { version: 3, deployment: { resources, pending_operations: pending, manifest: { version: "v3" } } };
    expect(pendingCount(interrupted)).toBe(2);
    expect(withoutPending(interrupted)).toEqual({ version: 3, deployment: { resources, manifest: { version: "v3" } } });
    expect(pendingCount(withoutPending(interrupted))).toBe(0);
  });

  test.each(["updating", "deleting"])("makes a command whose %s was interrupted another one than the program's, whichever that is", (type) => {
    const command = { ...resources[3]!, inputs: { create: "put", delete: "drop" }, outputs: { create: "put", delete: "drop", stdout: "" } };
    const rest = resources.slice(0, 3);
    const interrupted = { version: 3, deployment: { resources: [...rest, command], pending_operations: [{ type, resource: command }] } };
    const neverRun = { ...command, inputs: { create: "", delete: "drop" }, outputs: { create: "", delete: "drop", stdout: "" } };
    expect(withoutPending(interrupted).deployment.resources).toEqual([...rest, neverRun]);
  });

  test("drops protection and nothing else, and keeps a stack that has no resources", () => {
    const deployment = { resources: resources.map((resource) => ({ ...resource, protect: true })), manifest: { version: "v3" } };
    expect(withoutProtection({ version: 3, deployment })).toEqual({ version: 3, deployment: { resources, manifest: { version: "v3" } } });
    const one = resources[1]!.urn;
    const part = withoutProtection({ version: 3, deployment }, [one]).deployment.resources!;
    expect(part.filter(({ protect }) => !protect).map(({ urn }) => urn)).toEqual([one]);
    expect(withoutProtection({ version: 3, deployment: { resources: null } })).toEqual({ version: 3, deployment: { resources: null } });
  });
});

describe("stack files", () => {
  test("names file and line of what is no YAML", () => {
    const check = (text: string) => () => checkStackFile("Pulumi.local.yaml", text);
    expect(check("config:\n  peak:zone: peak.\n")).not.toThrow();
    expect(check("config:\n  peak:zone: peak.\n  a: [\n")).toThrow(/^Pulumi\.local\.yaml:[34]: /);
    expect(check("config:\n  peak:zone: a.\n  peak:zone: b.\n")).toThrow(/^Pulumi\.local\.yaml:3: .*unique/);
  });

  test.each(["", "# nothing\n", "config:\n", "config: {}\n"])("%j sets nothing, which is no fault", (text) => {
    expect(() => checkStackFile("Pulumi.local.yaml", text)).not.toThrow();
    expect(parse(ownStackFile(text, "", { nodes: 5 }))).toEqual({ config: { "peak:nodes": 5 } });
    expect(parse(withKeys(text, "dns=2"))).toEqual({ config: { "peak:keys": "dns=2" } });
  });

  test.each(["nonsense\n", "- config\n", "config: nonsense\n", "config: [a]\n"])("%j is no stack file", (text) =>
    expect(() => checkStackFile("Pulumi.local.yaml", text)).toThrow(/^Pulumi\.local\.yaml: it must be a mapping/));

  test("what belongs to this clone stays, what is committed may change", () => {
    const first = ownStackFile("config:\n  peak:zone: peak.\n", "encryptionsalt: v1:abc\n", { nodes: 5, keys: "dns=2" });
    expect(parse(first)).toEqual({ encryptionsalt: "v1:abc", config: { "peak:zone": "peak.", "peak:nodes": 5, "peak:keys": "dns=2" } });
    const second = ownStackFile("config:\n  peak:zone: edge.\n  peak:nodes: 4\n", first, {});
    expect(parse(second)).toEqual({ encryptionsalt: "v1:abc", config: { "peak:zone": "edge.", "peak:nodes": 4 } });
  });

  test("where keys are in their rotation is one line of a stack file; all else stays as it was written", () => {
    for (const stack of ["minikube", "pi-testbed"]) {
      const text = readFileSync(`Pulumi.${stack}.yaml`, "utf8");
      expect(withKeys(text, "dns=1,2")).toBe(text.replace(/^( +peak:keys:).*$/m, '$1 "dns=1,2"'));
      expect(withKeys(withKeys(text, "dns=1,2"), "")).toBe(text);
    }
    expect(parse(withKeys("config:\n  peak:zone: edge.\n", "dns=2"))).toEqual({ config: { "peak:zone": "edge.", "peak:keys": "dns=2" } });
  });

  test("a copy does without the salt, unless something is encrypted with it", () => {
    const plain = "config:\n  peak:zone: peak.\nencryptionsalt: v1:abc\n";
    expect(parse(withoutEncryption(plain).text)).toEqual({ config: { "peak:zone": "peak." } });
    const secretive = "config:\n  kubernetes:token:\n    secure: v1:x\nencryptionsalt: v1:abc\n";
    expect(withoutEncryption(secretive).hasSecrets).toBe(true);
    expect(parse(withoutEncryption(secretive).text)).toMatchObject({ encryptionsalt: "v1:abc" });
  });
});

describe("what the engine says of a backend is told with a remedy", () => {
  test.each([
    ["error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", 2, "you are logged in to none. Use `pulumi login`"],
    ["constructing secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", 2, "you have set none. Put it into a file"],
    ["incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE to the correct passphrase", 2, "another one than what you have set"],
    // As the SDK words it.
    ["code: -2\n stdout: \n stderr: Command failed\nerror: unable to open bucket file:///x\n err?: Error", 1, "cannot be read: unable to open bucket file:///x"],
    ["something else", 1, "the state of the stack minikube cannot be read: something else"],
  ])("%j", (said, exitCode, message) => {
    const fault = backendFault("minikube", new Error(said));
    expect(fault.exitCode).toBe(exitCode);
    expect(fault.message).toMatch(new RegExp(`${message.replace(/[.*?$`/]/g, "\\$&")}`));
    expect(fault.message).not.toContain("stdout");
  });
});

describe("outputs", () => {
  test.each(["{}", '{"kubeconfig":"x"}'])("%s is a stack that is half up", (json) => expect(parseOutputs(json)).toBeUndefined());
});

describe("the program of a process", () => {
  test.each([
    ["12 (pulumi) S 1 12 12 0", "pulumi"],
    ["12 (a) b) (c) R 1 12 12 0", "a) b) (c"],
    ["12 (pulumi) Z 1 12 12 0", undefined],
    ["", undefined],
  ])("%s", (stat, name) => expect(programOf(stat)).toBe(name));

  test("is none once it has been killed, also before anybody has taken note of that", async () => {
    const parent = spawn("sh", ["-c", "sleep 60 & echo $!; kill -9 $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      await vi.waitFor(async () => expect(await readFile(`/proc/${pid}/stat`, "utf8")).toMatch(/\) Z /), 10_000);
      expect(await thisHost.program(pid)).toBeUndefined();
      expect(await thisHost.program(parent.pid!)).toMatch(/^(sh|sleep)$/);
    } finally {
      parent.kill("SIGKILL");
    }
  });
});
