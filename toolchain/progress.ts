import type { WriteStream } from "node:tty";

/** Where long work tells how it goes. */
export interface Progress {
  /** Something happened that the reader should be able to look up later: stays. */
  step(text: string): void;
  /** How far the present step is: replaced by the next call, and shown only where there is a terminal. */
  update(text: string): void;
}

/** Progress on a stream: one line that changes on a terminal, elsewhere a plain line a step. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) return { step: (text) => void stream.write(`${text}\n`), update: () => {} };
  const terminal: WriteStream = stream;
  const clear = "\r\x1b[K";
  return {
    step: (text) => void terminal.write(`${clear}${text}\n`),
    update: (text) => void terminal.write(clear + text.slice(0, (terminal.columns || 80) - 1)),
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
