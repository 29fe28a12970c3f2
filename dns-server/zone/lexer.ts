import type { Token } from "../wire/text.ts";

/**
 * One entry of a master file: its words, the line it starts on, and whether it starts with a blank (then it has the owner of the entry
 * before).
 */
export interface Entry {
  readonly line: number;
  readonly blank: boolean;
  readonly tokens: readonly Token[];
  /** What the lexer could not read; the words are then incomplete. */
  readonly fault: string | undefined;
}

/**
 * Cuts a master file into entries (RFC 1035 section 5.1): parentheses join lines, `;` starts a comment, quotes protect blanks, `\` the
 * next character.
 */
export function* readEntries(text: string): Generator<Entry> {
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const start = line;
    const blank = text[at] === " " || text[at] === "\t";
    const tokens: Token[] = [];
    let depth = 0;
    let fault: string | undefined;
    for (;;) {
      const char = text[at];
      if (char === undefined || (char === "\n" && depth === 0)) break;
      if (char === "\n") {
        line++;
        at++;
      } else if (char === " " || char === "\t" || char === "\r") at++;
      else if (char === ";") while (at < text.length && text[at] !== "\n") at++;
      else if (char === "(") {
        depth++;
        at++;
      } else if (char === ")") {
        if (--depth < 0) fault ??= "closing parenthesis without an opening one";
        depth = Math.max(depth, 0);
        at++;
      } else {
        const word = readWord(text, at);
        tokens.push(word.token);
        fault ??= word.fault;
        at = word.end;
      }
    }
    if (depth > 0) fault ??= "opening parenthesis is never closed";
    if (tokens.length > 0 || fault !== undefined) yield { line: start, blank, tokens, fault };
    at++;
    line++;
  }
}

function readWord(text: string, start: number): { token: Token; end: number; fault: string | undefined } {
  const quoted = text[start] === '"';
  let at = quoted ? start + 1 : start;
  let inQuotes = quoted;
  let word = "";
  for (;;) {
    const char = text[at];
    if (char === undefined || char === "\n") {
      return { token: { text: word, quoted }, end: at, fault: inQuotes ? "quotation mark is never closed on its line" : undefined };
    }
    if (char === "\\") {
      const next = text[at + 1];
      if (next === undefined || next === "\n")
        return { token: { text: word, quoted }, end: at + 1, fault: "backslash at the end of a line" };
      word += char + next;
      at += 2;
    } else if (char === '"') {
      if (inQuotes) return { token: { text: word, quoted }, end: at + 1, fault: undefined };
      // `key="value"` of SVCB parameters; elsewhere a quotation mark starts a word of its own
      if (!word.endsWith("=")) return { token: { text: word, quoted }, end: at, fault: undefined };
      inQuotes = true;
      at++;
    } else if (!inQuotes && " \t\r();".includes(char)) {
      return { token: { text: word, quoted }, end: at, fault: undefined };
    } else {
      word += char;
      at++;
    }
  }
}
