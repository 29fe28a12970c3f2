import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type Progress, duration, megabytes, progressOn } from "./progress.ts";

/** What is written to a stream with these properties of a terminal. */
async function written(properties: object, use: (progress: Progress) => void): Promise<string> {
  const stream = Object.assign(new PassThrough(), properties);
  use(progressOn(stream as unknown as NodeJS.WriteStream));
  return text(stream.end());
}

describe("progressOn", () => {
  const use = (progress: Progress): void => {
    progress.update("compiled 1 of 2");
    progress.update("compiled 2 of 2");
    progress.step("built");
  };

  it("changes one line on a terminal", async () => {
    expect(await written({ isTTY: true, columns: 80 }, use)).toBe("\r\x1b[Kcompiled 1 of 2\r\x1b[Kcompiled 2 of 2\r\x1b[Kbuilt\n");
  });

  it("writes steps and a first update elsewhere, and no update that a step has overtaken", async () =>
    expect(await written({}, use)).toBe("compiled 1 of 2\nbuilt\n"));

  it("tells elsewhere how far it is from time to time, and what it is at when nothing more is said", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const lines: string[] = [];
    const progress = progressOn({ write: (line: string) => lines.push(line) } as unknown as NodeJS.WriteStream);
    for (let package_ = 1; package_ <= 12; package_++) {
      progress.update(`compiled ${package_}`);
      vi.advanceTimersByTime(1000);
    }
    progress.update("linking");
    vi.advanceTimersByTime(60_000);
    expect(lines).toEqual(["compiled 1\n", "compiled 5\n", "compiled 10\n", "linking\n"]);
  });

  it("does not wrap", async () => {
    expect(await written({ isTTY: true, columns: 6 }, (progress) => progress.update("compiled"))).toBe("\r\x1b[Kcompi");
  });
});

it.each([
  [499, "0 s"],
  [59_400, "59 s"],
  [59_600, "1 min 00 s"],
  [245_000, "4 min 05 s"],
])("%d ms are %s", (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

it("counts megabytes", () => expect(megabytes(12_345_678)).toBe("12.3 MB"));
