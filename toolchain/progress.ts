import type { WriteStream } from "node:tty";

/** Where long work tells how it goes. */
export interface Progress {
  /** Something happened that the reader should be able to look up later: stays. */
  step(text: string): void;
  /** How far the present step is: replaced by the next call. */
  update(text: string): void;
}

/** Least time between two lines that tell how far a step is, where there is no terminal, in milliseconds. */
const UPDATE_INTERVAL = 5_000;

/** Progress on a stream: one line that changes on a terminal, elsewhere a plain line a step, and now and then one on how far it is. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return plainProgress((text) => void stream.write(`${text}\n`));
  const terminal: WriteStream = stream;
  const clear = "\r\x1b[K";
  return {
    step: (text) => void terminal.write(`${clear}${text}\n`),
    update: (text) => void terminal.write(clear + text.slice(0, (terminal.columns || 80) - 1)),
  };
}

/** The last update before a silence is told as well, if late: what is read then must be true for as long as it stands there. */
function plainProgress(write: (text: string) => void): Progress {
  let latest = "";
  let told = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    timer = undefined;
    told = Date.now();
    write(latest);
  };
  return {
    step(text) {
      clearTimeout(timer);
      timer = undefined;
      write(text);
    },
    update(text) {
      latest = text;
      const wait = told + UPDATE_INTERVAL - Date.now();
      if (wait <= 0) tell();
      else timer ??= setTimeout(tell, wait).unref();
    },
  };
}

/** "48 s", "4 min 05 s". */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/** "12.3 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
