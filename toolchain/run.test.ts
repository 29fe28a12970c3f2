import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { CommandError, run } from "./run.ts";

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

  it("shows the end of standard error of a command that fails", async () => {
    const failed = run("sh", ["-c", "for i in $(seq 100); do echo line $i >&2; done; exit 3"]);
    await expect(failed).rejects.toThrow(CommandError);
    await expect(failed).rejects.toThrow(/^sh -c ended with 3:\nline 81\n(?:.*\n)*line 100$/);
  });

  it("names the signal that killed a command", async () => {
    await expect(run("sh", ["-c", "kill -9 $$"])).rejects.toThrow("ended with SIGKILL");
  });

  it("tells a command that is not there from one that fails", async () => {
    await expect(run("/does/not/exist", [])).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("ends the command and its children on abort", async () => {
    const controller = new AbortController();
    let child = "";
    const onLine = (line: string): void => {
      child = line;
      controller.abort(new Error("interrupted"));
    };
    const running = run("sh", ["-c", "sh -c 'echo $$ >&2; exec sleep 60'; :"], { signal: controller.signal, onLine });
    await expect(running).rejects.toThrow("interrupted");
    expect(child).toMatch(/^\d+$/);
    for (let i = 0; i < 50 && isRunning(child); i++) await sleep(20);
    expect(isRunning(child)).toBe(false);
  });

  it("does not start once aborted", async () => {
    await expect(run("true", [], { signal: AbortSignal.abort(new Error("interrupted")) })).rejects.toThrow("interrupted");
  });
});
