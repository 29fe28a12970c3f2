import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { attempt, CommandError, run, succeeds } from "./run.ts";

/** A zombie, which nobody has waited for yet, runs no more. */
function isRunning(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("run", () => {
  it("returns standard output and hands over the lines of standard error", async () => {
    const lines: string[] = [];
    expect(await run("sh", ["-c", "echo out; echo one >&2; printf two >&2"], { onLine: (line) => lines.push(line) })).toBe("out\n");
    expect(lines).toEqual(["one", "two"]);
  });

  it("gives the command its input, and nothing when there is none", async () => {
    expect(await run("cat", [], { input: "in" })).toBe("in");
    expect(await run("cat", [])).toBe("");
    expect(await run("true", [], { input: "x".repeat(1e6) })).toBe(""); // which nobody reads
  });

  it("runs where it is told, with the environment that it is given", async () => {
    expect(await run("/bin/sh", ["-c", 'echo "$(pwd) $A $HOME"'], { cwd: "/usr", env: { A: "a" } })).toBe("/usr a \n");
  });

  it("shows the end of standard error of a command that fails", async () => {
    const failed = run("sh", ["-c", "for i in $(seq 100); do echo line $i >&2; done; exit 3"]);
    await expect(failed).rejects.toThrow(CommandError);
    await expect(failed).rejects.toThrow(/^sh -c for i in .* ended with status 3:\nline 81\n(?:.*\n)*line 100$/);
    await expect(failed).rejects.toMatchObject({ said: expect.stringMatching(/^line 1\n/) });
  });

  it("shows what a command said on standard output that failed without a word on standard error", async () => {
    await expect(run("sh", ["-c", "echo why; exit 1"])).rejects.toThrow("ended with status 1:\nwhy");
    await expect(run("false", [])).rejects.toThrow(/^false ended with status 1$/);
  });

  it("shows the beginning of a long command, on one line", async () => {
    await expect(run("sh", ["-c", `exit 1\n${"# comment\n".repeat(50)}`])).rejects.toThrow(/^sh -c exit 1 # comment [^\n]{1,90}… ended with status 1$/);
  });

  it("names the signal that killed a command", async () => {
    await expect(run("sh", ["-c", "kill -9 $$"])).rejects.toThrow("ended with SIGKILL");
  });

  it("tells a command that is not there from one that fails", async () => {
    await expect(run("/does/not/exist", [])).rejects.toMatchObject({ code: "ENOENT", message: "/does/not/exist is not installed" });
    await expect(run("/does/not/exist", [])).rejects.not.toThrow(CommandError);
  });

  it("ends a build and its children on abort", async () => {
    const controller = new AbortController();
    let child = "";
    const onLine = (line: string): void => {
      child = line;
      controller.abort(new Error("interrupted"));
    };
    const running = run("sh", ["-c", "sh -c 'echo $$ >&2; exec sleep 60'; :"], { signal: controller.signal, onLine, background: true });
    await expect(running).rejects.toThrow("interrupted");
    expect(child).toMatch(/^\d+$/);
    for (let i = 0; i < 50 && isRunning(child); i++) await sleep(20);
    expect(isRunning(child)).toBe(false);
  });

  it("ends a command on abort, in our own session", async () => {
    const session = (stat: string): string | undefined => stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3];
    expect(session(await run("cat", ["/proc/self/stat"]))).toBe(session(readFileSync("/proc/self/stat", "utf8")));
    await expect(run("sleep", ["60"], { signal: AbortSignal.timeout(100) })).rejects.toThrow("timeout");
  });

  it("ends what a build has left behind that holds its output", async () => {
    const signal = AbortSignal.timeout(200);
    await expect(run("sh", ["-c", "sleep 60 & exit 0"], { signal, background: true })).rejects.toThrow("timeout");
  });

  it("does not start once aborted", async () => {
    await expect(run("true", [], { signal: AbortSignal.abort(new Error("interrupted")) })).rejects.toThrow("interrupted");
  });
});

describe("attempt", () => {
  it("tells how a command ended, whatever that is", async () => {
    expect(await attempt("sh", ["-c", "echo out; echo err >&2; exit 4"])).toEqual({ status: 4, stdout: "out\n", stderr: "err\n" });
    expect(await attempt("sh", ["-c", "kill -9 $$"])).toEqual({ status: "SIGKILL", stdout: "", stderr: "" });
  });

  it("has no limit for output", async () => {
    expect((await attempt("sh", ["-c", "head -c 3000000 /dev/zero | tr '\\0' é"])).stdout.length).toBeGreaterThan(1_000_000);
  });
});

describe("succeeds", () => {
  it("is true for status 0 only", async () => {
    expect(await succeeds("true", [])).toBe(true);
    expect(await succeeds("false", [])).toBe(false);
    expect(await succeeds("/does/not/exist", [])).toBe(false);
  });

  it("rejects once aborted", async () => {
    await expect(succeeds("true", [], { signal: AbortSignal.abort(new Error("interrupted")) })).rejects.toThrow("interrupted");
  });
});
