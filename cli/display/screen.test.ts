import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { screenOn } from "./screen.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A terminal, as far as a screen is concerned. */
function terminal() {
  const written: string[] = [];
  const stream = { isTTY: true, columns: 80, write: (text: string) => void written.push(text) } as unknown as NodeJS.WriteStream;
  return { stream, written };
}

describe("on a terminal", () => {
  test("nothing is drawn over another's line while there is nothing to say: a question stays readable", () => {
    const { stream, written } = terminal();
    const screen = screenOn(stream);
    screen.line("planned: 3 to create");
    vi.advanceTimersByTime(1000);
    screen[Symbol.dispose]();
    expect(written).toEqual(["planned: 3 to create\n"]);
  });

  test("the line of the moment is drawn again and again, and erased once", () => {
    const { stream, written } = terminal();
    using screen = screenOn(stream);
    screen.status(() => "getting the engine");
    vi.advanceTimersByTime(200);
    expect(written).toHaveLength(3);
    expect(written.every((text) => /^\r\x1b\[K. getting the engine$/u.test(text))).toBe(true);
    screen.status(undefined);
    vi.advanceTimersByTime(1000);
    expect(written.slice(3)).toEqual(["\r\x1b[K"]);
  });

  test("a lasting line stands above the line of the moment", () => {
    const { stream, written } = terminal();
    using screen = screenOn(stream);
    screen.status(() => "working");
    screen.line("pi1 is up");
    expect(written.slice(1)).toEqual(["\r\x1b[K", "pi1 is up\n", expect.stringMatching(/ working$/)]);
  });
});
