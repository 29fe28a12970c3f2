import type { Progress } from "../../toolchain/progress.ts";
import { duration } from "../../toolchain/progress.ts";

/** How often the line of the moment is drawn anew on a terminal, and said elsewhere, in milliseconds. */
const FRAME = 100;
const HEARTBEAT = 30_000;

const SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/** Where a person follows a command: lasting lines, and below them one line on what is going on now. */
export interface Screen extends Disposable {
  /** A line that stays. */
  line(text: string): void;
  /** Sets what the line of the moment says, asked for whenever it is drawn; undefined where there is nothing to say. */
  status(now: (() => string) | undefined): void;
}

/** A live line on a terminal; elsewhere a plain line each half a minute, so that a log shows what long work is at. */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  return stream.isTTY ? new TerminalScreen(stream) : new PlainScreen(stream);
}

class PlainScreen implements Screen {
  readonly #stream: NodeJS.WritableStream;
  readonly #timer: NodeJS.Timeout;
  #now: (() => string) | undefined;
  #quietSince = Date.now();

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    this.#timer = setInterval(() => {
      if (this.#now && Date.now() - this.#quietSince >= HEARTBEAT) this.line(`... ${this.#now()}`);
    }, 1000).unref();
  }

  line(text: string): void {
    this.#quietSince = Date.now();
    this.#stream.write(`${text}\n`);
  }

  status(now: (() => string) | undefined): void {
    this.#now = now;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

class TerminalScreen implements Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  #now: (() => string) | undefined;
  #frame = 0;
  /** Whether the line of the moment is there: another's line, such as a question, is not ours to draw over. */
  #drawn = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#timer = setInterval(() => this.#draw(), FRAME).unref();
  }

  line(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  status(now: (() => string) | undefined): void {
    this.#now = now;
    this.#draw();
  }

  #draw(): void {
    this.#frame += 1;
    if (!this.#now) return this.#erase();
    const text = `${SPINNER[this.#frame % SPINNER.length]} ${this.#now()}`;
    this.#stream.write(`\r\x1b[K${text.slice(0, (this.#stream.columns || 80) - 1)}`);
    this.#drawn = true;
  }

  #erase(): void {
    if (this.#drawn) this.#stream.write("\r\x1b[K");
    this.#drawn = false;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#erase();
  }
}

/** The same screen without lasting lines. */
export function withoutLines(screen: Screen): Screen {
  return { line: () => {}, status: (now) => screen.status(now), [Symbol.dispose]: () => {} };
}

/** The screen as the toolchain's progress: its steps stay, and the latest word is the line of the moment. */
export function progressOf(screen: Screen): Progress {
  const started = Date.now();
  const update = (text: string) => screen.status(() => `${text}  ${duration(Date.now() - started)}`);
  return {
    step: (text) => {
      screen.line(text);
      update(text);
    },
    update,
  };
}

/** Does something while the line of the moment says what, and for how long. */
export async function during<T>(screen: Screen, what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now();
  screen.status(() => `${what}  ${duration(Date.now() - started)}`);
  try {
    return await work();
  } finally {
    screen.status(undefined);
  }
}
