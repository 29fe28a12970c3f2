import { closeSync, existsSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { UserError } from "../errors.ts";
import { typeName } from "../wire/constants.ts";
import { formatName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import type { ZoneRecord } from "../zone/record.ts";
import type { Change } from "./content.ts";

/** One change a line: records in presentation form, and for added ones when they expire (milliseconds since 1970, or null). */
const lineSchema = z.strictObject({ remove: z.array(z.string()), add: z.array(z.tuple([z.string(), z.number().nullable()])) });

const formatRecord = ({ name, ttl, type, rdata }: ZoneRecord): string =>
  `${formatName(name)} ${ttl} IN ${typeName(type)} ${formatRdata(type, rdata)}`;

function parseRecord(text: string): ZoneRecord {
  const {
    records: [record],
    faults: [fault],
  } = parseMasterFile(`${text}\n`, { file: "journal" });
  if (!record) throw new Error(fault?.message ?? "no record");
  const { name, type, ttl, rdata } = record;
  return { name, type, ttl, rdata };
}

function formatLine({ remove, add }: Change): string {
  const added = add.map(({ record, expires }) => [formatRecord(record), expires ?? null]);
  return `${JSON.stringify({ remove: remove.map(formatRecord), add: added })}\n`;
}

function parseLine(line: string): Change {
  const { remove, add } = lineSchema.parse(JSON.parse(line));
  return {
    remove: remove.map(parseRecord),
    add: add.map(([text, expires]) => ({ record: parseRecord(text), ...(expires === null ? {} : { expires }) })),
  };
}

/** The changes that updates made to a zone, in a file: what was appended survives the end of the process and of the machine. */
export class Journal {
  private readonly file: string;
  private fd: number;
  /** Lines in the file. */
  length: number;

  private constructor(file: string, length: number) {
    this.file = file;
    this.length = length;
    this.fd = openSync(file, "a", 0o600);
  }

  /** Opens a journal, made if it is not there, and reads its changes. @throws UserError when it cannot be read */
  static open(file: string): { journal: Journal; changes: Change[] } {
    try {
      mkdirSync(dirname(file), { recursive: true });
      const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [""];
      // an append that was cut short was never acknowledged
      const torn = lines.pop()!;
      const changes = lines.map((line, index) => {
        try {
          return parseLine(line);
        } catch (error) {
          throw new UserError(`${file}:${index + 1}: ${(error as Error).message}`);
        }
      });
      const journal = new Journal(file, changes.length);
      if (torn !== "") journal.replace(changes);
      return { journal, changes };
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`cannot use the journal: ${(error as Error).message}`);
    }
  }

  /** Returns when the change is on the disk. */
  append(change: Change): void {
    writeSync(this.fd, formatLine(change));
    fdatasyncSync(this.fd);
    this.length++;
  }

  /** Puts other changes in place of all, or leaves the file as it is. */
  replace(changes: readonly Change[]): void {
    const fresh = `${this.file}.new`;
    const fd = openSync(fresh, "w", 0o600);
    for (const change of changes) writeSync(fd, formatLine(change));
    fsyncSync(fd);
    renameSync(fresh, this.file);
    closeSync(this.fd);
    this.fd = fd;
    this.length = changes.length;
    const folder = openSync(dirname(this.file), "r");
    fsyncSync(folder);
    closeSync(folder);
  }

  close(): void {
    closeSync(this.fd);
  }
}
