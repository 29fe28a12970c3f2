import { expect, test } from "vitest";
import { Capture, type Logging } from "./capture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function captured(logging: Logging): { capture: Capture; lines: string[] } {
  const lines: string[] = [];
  const capture = new Capture(logging, (line) => lines.push(line));
  capture.write("stdout", bytes("one\ntw"));
  capture.write("stderr", bytes("warning\n"));
  capture.write("stdout", bytes("o\nthree"));
  return { capture, lines };
}

test.each<[Logging, string[]]>([
  ["stdoutAndStderr", ["one", "warning", "two", "three"]],
  ["stdout", ["one", "two", "three"]],
  ["stderr", ["warning"]],
  ["none", []],
])("with logging %s, lines are passed on as they are completed", (logging, expected) => {
  const { capture, lines } = captured(logging);
  expect(capture.end()).toEqual({ stdout: "one\ntwo\nthree", stderr: "warning" });
  expect(lines).toEqual(expected);
});

test("only one line break at the end is taken off", () => {
  const capture = new Capture("none", () => {});
  capture.write("stdout", bytes("a\n\n"));
  expect(capture.end().stdout).toBe("a\n");
});

test("a character may come in two parts", () => {
  const capture = new Capture("none", () => {});
  const [first, ...rest] = bytes("é");
  capture.write("stdout", Uint8Array.of(first ?? 0));
  capture.write("stdout", Uint8Array.from(rest));
  expect(capture.end().stdout).toBe("é");
});

test.each<[Logging, string]>([
  ["stdoutAndStderr", "command exited with code 2:\nwarning"],
  ["stdout", "command exited with code 2:\none\ntwo\nthree"],
  ["none", 'command exited with code 2; its output is withheld because of "logging": "none"'],
])("with logging %s, a failure shows what may be shown", (logging, message) => {
  expect(captured(logging).capture.failure({ code: 2, signal: null }).message).toBe(message);
});

test("a failure shows the last lines of much output", () => {
  const capture = new Capture("stderr", () => {});
  capture.write("stderr", bytes(Array.from({ length: 100 }, (_, index) => `${index}\n`).join("")));
  expect(capture.failure({ code: null, signal: "SIGKILL" }).message).toMatch(
    /^command was ended by SIGKILL:\n\.\.\. 60 lines before\n60\n(.|\n)*99$/,
  );
});
