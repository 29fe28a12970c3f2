import { Type, isMetaType, typeCode, typeName } from "../wire/constants.ts";
import { parseName, ROOT, type Name } from "../wire/name.ts";
import { parseRdata } from "../wire/rdata.ts";
import { soaMinimum } from "../wire/soa.ts";
import { isTtl, parseTtl, type Token } from "../wire/text.ts";
import { readEntries, type Entry } from "./lexer.ts";
import type { ZoneRecord, ZoneFault } from "./record.ts";

export interface MasterFileOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** What relative names are completed with until an `$ORIGIN` says otherwise; default the root. */
  readonly origin?: Name;
  /** Default TTL in seconds until a `$TTL` says otherwise. */
  readonly ttl?: number;
  /** Reads a file of `$INCLUDE`, given the path as written and the file it is written in; without it the directive is refused. */
  readonly include?: (path: string, from: string) => { readonly file: string; readonly text: string };
}

const MAX_INCLUDE_DEPTH = 16;
const DIRECTIVES = ["$ORIGIN", "$TTL", "$INCLUDE"];

/** Reads a master file (RFC 1035 section 5, 2308 `$TTL`, 3597). Goes on after a fault, so that one run names all of them. */
export function parseMasterFile(text: string, options: MasterFileOptions): { records: ZoneRecord[]; faults: ZoneFault[] } {
  const records: ZoneRecord[] = [];
  const faults: ZoneFault[] = [];
  readFile(text, { ...options, origin: options.origin ?? ROOT }, 0, records, faults);
  return { records, faults };
}

function readFile(
  text: string,
  options: MasterFileOptions & { origin: Name },
  depth: number,
  records: ZoneRecord[],
  faults: ZoneFault[],
): void {
  let origin = options.origin;
  let defaultTtl = options.ttl;
  let lastTtl: number | undefined;
  let owner: Name | undefined;

  const readDirective = (word: string, args: readonly Token[]): void => {
    const [first, second] = args;
    if (!DIRECTIVES.includes(word)) throw new Error(`unknown directive ${word}`);
    const most = word === "$INCLUDE" ? 2 : 1;
    if (!first || args.length > most) throw new Error(`${word} takes ${most === 1 ? "one word" : "a file and perhaps an origin"}`);
    switch (word) {
      case "$ORIGIN":
        origin = parseName(first.text, origin);
        break;
      case "$TTL":
        defaultTtl = parseTtl(first.text);
        break;
      case "$INCLUDE": {
        if (!options.include) throw new Error("$INCLUDE is not allowed here");
        if (depth === MAX_INCLUDE_DEPTH) throw new Error(`$INCLUDE is nested more than ${MAX_INCLUDE_DEPTH} deep`);
        const included = options.include(first.text, options.file);
        const inner = { ...options, file: included.file, origin: second ? parseName(second.text, origin) : origin };
        const ttl = defaultTtl;
        readFile(included.text, ttl === undefined ? inner : { ...inner, ttl }, depth + 1, records, faults);
        break;
      }
    }
  };

  const readRecord = (entry: Entry): void => {
    const words = [...entry.tokens];
    if (!entry.blank) owner = parseName(words.shift()!.text, origin);
    if (owner === undefined) throw new Error("the first record has no owner name");
    let ttl: number | undefined;
    let classSeen = false;
    for (let word = words[0]; word !== undefined; word = words[0]) {
      if (ttl === undefined && isTtl(word.text)) ttl = parseTtl(word.text);
      else if (!classSeen && /^(IN|CH|HS|CLASS\d+)$/i.test(word.text)) {
        if (!/^(IN|CLASS0*1)$/i.test(word.text)) throw new Error(`class ${word.text} is not served, only IN`);
        classSeen = true;
      } else break;
      words.shift();
    }
    const typeWord = words.shift();
    if (!typeWord) throw new Error("the record has no type");
    const type = typeCode(typeWord.text);
    if (type === undefined) throw new Error(`unknown type "${typeWord.text}" (write TYPEnnn for one that has no name here)`);
    if (isMetaType(type)) throw new Error(`${typeName(type)} cannot be data of a zone`);
    const rdata = parseRdata(type, words, origin);
    if (ttl !== undefined) lastTtl = ttl;
    // RFC 2308 section 4: without $TTL the last one stated holds; a first SOA without any has at least its minimum
    const minimum = type === Type.SOA ? soaMinimum(rdata) : undefined;
    const effective = ttl ?? defaultTtl ?? lastTtl ?? minimum;
    if (effective === undefined) throw new Error("the record has no TTL and no $TTL is set");
    lastTtl ??= effective;
    records.push({ name: owner, type, ttl: effective, rdata, place: { file: options.file, line: entry.line } });
  };

  for (const entry of readEntries(text)) {
    try {
      if (entry.fault !== undefined) throw new Error(entry.fault);
      const first = entry.tokens[0]!;
      if (!entry.blank && !first.quoted && first.text.startsWith("$")) readDirective(first.text.toUpperCase(), entry.tokens.slice(1));
      else readRecord(entry);
    } catch (error) {
      faults.push({ severity: "error", place: { file: options.file, line: entry.line }, message: (error as Error).message });
    }
  }
}
