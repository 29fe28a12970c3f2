import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { replaceFileSync, syncFolder } from "../runtime/atomic-file.ts";
import { UserError } from "../runtime/errors.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import { formatRecord, type ZoneRecord } from "../zone/record.ts";
import type { Change } from "./content.ts";

/**
 * One change a line: records in presentation form, and for added ones when they expire (milliseconds since 1970, or null). `base` says what
 * records it, and what follows, was made for.
 */
const lineSchema = z.strictObject({
  remove: z.array(z.string()),
  add: z.array(z.tuple([z.string(), z.number().nullable()])),
  base: z.string().optional(),
});

/** Of the file: what keys may change is nobody else's to read. */
const MODE = 0o600;

const LINE_START = '{"remove":';

function parseRecord(text: string): ZoneRecord {
  const {
    records: [record],
    faults: [fault],
  } = parseMasterFile(`${text}\n`, { file: "journal" });
  if (!record) throw new Error(fault?.message ?? "no record");
  const { name, type, ttl, rdata } = record;
  return { name, type, ttl, rdata };
}

function formatLine({ remove, add }: Change, base?: string): string {
  const added = add.map(({ record, expires }) => [formatRecord(record), expires ?? null]);
  return `${JSON.stringify({ remove: remove.map(formatRecord), add: added, base })}\n`;
}

function parseLine(line: string): Change & { readonly base: string | undefined } {
  const { remove, add, base } = lineSchema.parse(JSON.parse(line));
  return {
    base,
    remove: remove.map(parseRecord),
    add: add.map(([text, expires]) => ({ record: parseRecord(text), ...(expires === null ? {} : { expires }) })),
  };
}

/** The changes that updates made to a zone, in a file: what was appended survives the end of the process and of the machine. */
export class Journal {
  private readonly file: string;
  private fd: number;
  /** Octets of the file that are whole lines. */
  private size: number;
  /** Whether there may be octets behind them. */
  private torn = false;
  /** Lines in the file. */
  length: number;
  /** What records the changes were last made for, as `append` was told; undefined in a new journal. */
  base: string | undefined;

  private constructor(file: string, fd: number, size: number, changes: readonly { readonly base: string | undefined }[]) {
    this.file = file;
    this.fd = fd;
    this.size = size;
    this.length = changes.length;
    this.base = changes.findLast(({ base }) => base !== undefined)?.base;
  }

  /** The changes in a journal that somebody else may be writing to; none when it is not there. @throws UserError when it cannot be read */
  static read(file: string): Change[] {
    if (!existsSync(file)) return [];
    try {
      return parseLines(file, readFileSync(file, "utf8")).changes;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`cannot use the journal: ${(error as Error).message}`);
    }
  }

  /** Opens a journal, made if it is not there, and reads its changes. @throws UserError when it cannot be read */
  static open(file: string): { journal: Journal; changes: Change[] } {
    try {
      const folder = dirname(file);
      mkdirSync(folder, { recursive: true });
      const isNew = !existsSync(file);
      const fd = openSync(file, "a", MODE);
      if (isNew) syncFolder(folder);
      let changes: ReturnType<typeof parseLine>[];
      let torn: number;
      try {
        ({ changes, torn } = parseLines(file, readFileSync(file, "utf8")));
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      const journal = new Journal(file, fd, fstatSync(fd).size - torn, changes);
      if (torn > 0) journal.cut();
      return { journal, changes };
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`cannot use the journal: ${(error as Error).message}`);
    }
  }

  /**
   * Returns when the change is on the disk.
   * @param base identifies the records that this change and the following are made for, where that is news
   * @throws the system's error; the change is then not in the journal
   */
  append(change: Change, base?: string): void {
    const line = Buffer.from(formatLine(change, base));
    if (this.torn) this.cut();
    this.torn = true;
    try {
      writeFileSync(this.fd, line);
      fdatasyncSync(this.fd);
    } catch (error) {
      this.cut();
      throw error;
    }
    this.torn = false;
    this.size += line.length;
    this.length++;
    this.base = base ?? this.base;
  }

  /** Whether the file is not where it was: what is appended would be found by nobody. */
  get isLost(): boolean {
    const there = statSync(this.file, { throwIfNoEntry: false });
    const own = fstatSync(this.fd);
    return there?.ino !== own.ino || there.dev !== own.dev;
  }

  /** Takes away what an append that failed has left. */
  private cut(): void {
    ftruncateSync(this.fd, this.size);
    fdatasyncSync(this.fd);
    this.torn = false;
  }

  /** Puts other changes in place of all, or leaves the file as it is. */
  replace(changes: readonly Change[]): void {
    const text = changes.map((change) => formatLine(change, this.base)).join("");
    replaceFileSync(this.file, text, MODE);
    // until the new one is open the old one counts as lost, and whoever comes next makes it anew
    const fd = openSync(this.file, "a", MODE);
    closeSync(this.fd);
    this.fd = fd;
    this.size = Buffer.byteLength(text);
    this.length = changes.length;
    this.torn = false;
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * @returns the changes, and how many octets are behind the last whole line: an append that was cut short was never acknowledged
 * @throws UserError that names the line
 */
function parseLines(file: string, text: string): { changes: ReturnType<typeof parseLine>[]; torn: number } {
  const lines = text.split("\n");
  const tail = lines.pop()!;
  const changes = lines.map((line, index) => {
    try {
      return parseLine(line);
    } catch (error) {
      throw new UserError(`${file}:${index + 1}: ${(error as Error).message}`);
    }
  });
  if (!isTorn(tail)) throw new UserError(`${file}:${lines.length + 1}: this is no line of a journal`);
  return { changes, torn: Buffer.byteLength(tail) };
}

/** Whether what follows the last whole line can be the start of one, or what a power cut leaves in its place: no file of others is cut. */
const isTorn = (tail: string): boolean => /^\0*$/.test(tail) || tail.startsWith(LINE_START) || LINE_START.startsWith(tail);
