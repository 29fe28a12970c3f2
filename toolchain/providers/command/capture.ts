/** What a command printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Which output streams are shown while a command runs: the `logging` input. */
export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

/** How a command ended: with an exit code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const TAIL_LINES = 40;

/** Collects what a command prints, and passes on each line as it is completed. */
export class Capture {
  readonly #streams = { stdout: "", stderr: "" };
  readonly #partial = { stdout: "", stderr: "" };
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  readonly #logging: Logging;
  readonly #onLine: (line: string) => void;

  /**
   * @param logging the streams whose lines are passed on
   * @param onLine called with each of these lines, without its line break
   */
  constructor(logging: Logging, onLine: (line: string) => void) {
    this.#logging = logging;
    this.#onLine = onLine;
  }

  /** Takes bytes of one stream. */
  write(stream: keyof Output, bytes: Uint8Array): void {
    this.#append(stream, this.#decoders[stream].decode(bytes, { stream: true }));
  }

  /** Takes the end of both streams; returns their text, each without one line break at its end. */
  end(): Output {
    for (const stream of ["stdout", "stderr"] as const) {
      this.#append(stream, this.#decoders[stream].decode());
      if (this.#partial[stream] !== "" && this.#shows(stream)) this.#onLine(this.#partial[stream]);
      this.#partial[stream] = "";
    }
    const { stdout, stderr } = this.#streams;
    return { stdout: withoutLineBreak(stdout), stderr: withoutLineBreak(stderr) };
  }

  /** The error for a command that failed, with the last lines of its output as far as `logging` lets them be seen. */
  failure(exit: Exit): Error {
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
    const { stdout, stderr } = this.end();
    if (this.#logging === "none") return new Error(`command ${how}; its output is withheld because of "logging": "none"`);
    const shown = this.#shows("stderr") && stderr !== "" ? stderr : this.#shows("stdout") ? stdout : "";
    const lines = shown.split("\n");
    const tail = lines.slice(-TAIL_LINES);
    if (lines.length > tail.length) tail.unshift(`... ${lines.length - tail.length} lines before`);
    return new Error(shown === "" ? `command ${how} without a message` : `command ${how}:\n${tail.join("\n")}`);
  }

  #append(stream: keyof Output, text: string): void {
    this.#streams[stream] += text;
    const lines = (this.#partial[stream] + text).split("\n");
    this.#partial[stream] = lines.pop() ?? "";
    if (this.#shows(stream)) lines.forEach(this.#onLine);
  }

  #shows(stream: keyof Output): boolean {
    return this.#logging === stream || this.#logging === "stdoutAndStderr";
  }
}

function withoutLineBreak(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}
