import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diagnosticOf, testStack, type TestStack } from "../shared/stack.ts";

const TIMEOUT_MS = 120_000;

let program: () => Record<string, unknown> | void;
let subject: TestStack;

beforeEach(async () => {
  subject = await testStack(async () => program());
}, 600_000);

afterEach(async () => {
  await subject.stack.destroy();
  await subject[Symbol.asyncDispose]();
}, TIMEOUT_MS);

const file = (name: string): Promise<string> => readFile(join(subject.dir, name), "utf8");

test(
  "runs create, nothing on an unchanged program, update on a changed one, and delete in the end",
  async () => {
    const args = {
      create: 'echo "create $GREETING $(cat)" | tee -a log; echo aside >&2',
      update: 'echo "update $GREETING $(cat), before: $PULUMI_COMMAND_STDOUT" | tee -a log',
      delete: 'echo "delete, before: $PULUMI_COMMAND_STDOUT" >> log',
      environment: { GREETING: "hello" },
      stdin: "one",
    };
    program = () => {
      const command = new local.Command("subject", args);
      return { stdout: command.stdout, stderr: command.stderr };
    };
    const preview = await subject.stack.preview();
    expect(preview.changeSummary.create).toBeGreaterThan(0);
    expect(existsSync(join(subject.dir, "log"))).toBe(false);

    const first = await subject.stack.up();
    expect(first.outputs["stdout"]).toEqual({ value: "create hello one", secret: false });
    expect(first.outputs["stderr"]?.value).toBe("aside");

    const second = await subject.stack.up();
    expect(second.summary.resourceChanges).toEqual({ same: 2 });

    args.stdin = "two";
    const third = await subject.stack.up();
    expect(third.summary.resourceChanges).toEqual({ same: 1, update: 1 });
    expect(third.outputs["stdout"]?.value).toBe("update hello two, before: create hello one");

    program = () => {};
    await subject.stack.up();
    expect(await file("log")).toBe(
      "create hello one\n" +
        "update hello two, before: create hello one\n" +
        "delete, before: update hello two, before: create hello one\n",
    );
  },
  TIMEOUT_MS,
);

test(
  "runs create again for a change when there is no update command, and replaces on a changed trigger",
  async () => {
    const args = {
      create: 'echo "create $N" >> triggered',
      delete: 'echo "delete $N" >> triggered',
      environment: { N: "1" },
      triggers: ["a"],
    };
    program = () => void new local.Command("subject", args);
    await subject.stack.up();
    args.environment = { N: "2" };
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 1, update: 1 });
    args.triggers = ["b"];
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 1, replace: 1 });
    expect(await file("triggered")).toBe("create 1\ncreate 2\ncreate 2\ndelete 2\n");
  },
  TIMEOUT_MS,
);

test(
  "shows output lines while the command runs, those that logging selects",
  async () => {
    // The command ends only after the test has seen its line.
    program = () =>
      void new local.Command("subject", {
        create: "echo visible; echo hidden >&2; until [ -e seen ]; do sleep 0.05; done",
        logging: local.Logging.Stdout,
      });
    const lines: string[] = [];
    await subject.stack.up({
      onEvent: (event) => {
        lines.push(diagnosticOf(event));
        if (lines.includes("visible")) void writeFile(join(subject.dir, "seen"), "");
      },
    });
    expect(lines).toContain("visible");
    expect(lines).not.toContain("hidden");
  },
  TIMEOUT_MS,
);

test(
  "keeps secret inputs out of the state's plain text",
  async () => {
    const token = pulumi.secret("plainsecret");
    program = () => {
      const command = new local.Command("subject", {
        create: 'test "$TOKEN" = "$(cat)" && echo "${#TOKEN}"',
        environment: { TOKEN: token },
        stdin: token,
      });
      const printing = new local.Command(
        "printing",
        { create: "cat", stdin: token, logging: local.Logging.None },
        { additionalSecretOutputs: ["stdout"] },
      );
      return { length: command.stdout, printed: printing.stdout };
    };
    const result = await subject.stack.up();
    expect(result.outputs["length"]).toEqual({ value: "11", secret: false });
    expect(result.outputs["printed"]).toEqual({ value: "plainsecret", secret: true });
    const state = await subject.storedState();
    expect(state).toContain("ciphertext");
    expect(state).not.toContain("plainsecret");
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
  },
  TIMEOUT_MS,
);

test(
  "returns files as assets and as an archive, usable as triggers",
  async () => {
    program = () => {
      const files = new local.Command("files", {
        create: "mkdir -p out/deep; echo 1 > out/one.txt; echo 2 > out/deep/two.txt; echo 3 > out/secret.txt",
        assetPaths: ["out/**", "!**secret.*"],
        archivePaths: ["out/*.txt"],
      });
      new local.Command("dependent", { create: "echo ran >> dependent", triggers: [files.archive] });
      return { assets: files.assets.apply((assets) => Object.keys(assets ?? {}).sort()) };
    };
    expect((await subject.stack.up()).outputs["assets"]?.value).toEqual(["out/deep/two.txt", "out/one.txt"]);
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
    expect(await file("dependent")).toBe("ran\n");
  },
  TIMEOUT_MS,
);

test(
  "reports a failing command with its exit code and what it said, and keeps the rest of the state",
  async () => {
    program = () => void new local.Command("failing", { create: "echo progress; echo no such disk >&2; exit 7" });
    await expect(subject.stack.up()).rejects.toThrow(/command exited with code 7:\s+no such disk/);
    program = () => void new local.Command("failing", { create: "true", dir: "/nowhere" });
    await expect(subject.stack.up()).rejects.toThrow(/cannot start "\/bin\/sh" in directory "\/nowhere"/);
    program = () => void new local.Command("failing", { create: "true", interpreter: "sh" as unknown as string[] });
    await expect(subject.stack.up()).rejects.toThrow(/interpreter/);
  },
  TIMEOUT_MS,
);

test(
  "runs a function in preview and update alike",
  async () => {
    program = () => ({ said: local.runOutput({ command: 'echo "$A"', environment: { A: "now" } }).stdout });
    const result = await subject.stack.up();
    expect(result.outputs["said"]?.value).toBe("now");
  },
  TIMEOUT_MS,
);

test(
  "ends the whole process group of a running command when the update is cancelled, but nothing that left it",
  async () => {
    program = () =>
      void new local.Command("endless", {
        create: [
          "setsid sh -c 'echo $$ > detached.pid; exec sleep 600' > /dev/null 2>&1 &",
          "sleep 600 & echo $! > grandchild.pid",
          // Holds neither of the output streams, and does not heed SIGTERM.
          "(trap '' TERM; exec sleep 600) > /dev/null 2>&1 & echo $! > stubborn.pid",
          "until [ -s detached.pid ]; do sleep 0.05; done",
          "echo started; wait",
        ].join("\n"),
      });
    const interrupt = new AbortController();
    await expect(
      subject.stack.up({
        signal: interrupt.signal,
        onEvent: (event) => {
          if (diagnosticOf(event) === "started") interrupt.abort();
        },
      }),
    ).rejects.toThrow(/cancelled while the command was running/);
    const pid = async (name: string): Promise<number> => Number(await file(`${name}.pid`));
    expect(alive(await pid("grandchild"))).toBe(false);
    expect(alive(await pid("stubborn"))).toBe(false);
    expect(alive(await pid("detached"))).toBe(true);
    process.kill(await pid("detached"));
  },
  TIMEOUT_MS,
);

test(
  "ends a running command when the engine is killed",
  async () => {
    program = () =>
      void new local.Command("endless", { create: "sleep 600 & echo $! > grandchild.pid; echo $PPID > plugin.pid; echo started; wait" });
    let killed = false;
    const interrupted = subject.stack.up({
      onEvent: (event) => {
        if (diagnosticOf(event) !== "started" || killed) return;
        killed = true;
        process.kill(parentOf(Number(readFileSync(join(subject.dir, "plugin.pid"), "utf8"))), "SIGKILL");
      },
    });
    await expect(interrupted).rejects.toThrow();
    const pid = Number(await file("grandchild.pid"));
    await expect.poll(() => alive(pid), { timeout: 30_000 }).toBe(false);
    // The dead engine's lock.
    await subject.stack.cancel();
  },
  TIMEOUT_MS,
);

// A process that ended but that nobody has waited for yet is not alive.
function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
}
