import { describe, expect, test } from "vitest";
import { Class, HEADER_LENGTH, Type } from "./constants.ts";
import { parseName } from "./name.ts";
import { RecordCursor, readRecords } from "./records.ts";
import { encodeUpdate } from "./update-request.ts";

const address = (text: string, last: number): Parameters<typeof encodeUpdate>[2][number] => ({
  name: parseName(text),
  type: Type.A,
  class: Class.IN,
  ttl: 0xffffffff,
  rdata: Uint8Array.of(192, 0, 2, last),
});

const message = encodeUpdate(1, parseName("peak."), [address("a.peak.", 1), address("b.peak.", 2)], {
  prerequisites: [address("c.peak.", 3)],
  lease: 60,
});

describe("a cursor", () => {
  test("goes through all records, and knows where each is", () => {
    const cursor = new RecordCursor(message);
    const seen: unknown[] = [];
    while (cursor.next()) seen.push([cursor.section, cursor.left, cursor.type, cursor.end - cursor.dataAt]);
    expect(seen).toEqual([
      ["answer", 0, Type.A, 4],
      ["authority", 1, Type.A, 4],
      ["authority", 0, Type.A, 4],
      ["additional", 0, Type.OPT, 8],
    ]);
    expect([cursor.isBroken, cursor.end]).toEqual([false, message.length]);
  });

  test("reads owner, class, TTL and data", () => {
    const cursor = new RecordCursor(message);
    cursor.next();
    expect([cursor.owner(), cursor.class, cursor.ttl]).toEqual([parseName("c.peak."), Class.IN, 0xffffffff]);
    expect(Array.from(cursor.rdata()!)).toEqual([192, 0, 2, 3]);
  });

  test("stops at what cannot be read, wherever the message ends", () => {
    for (let length = HEADER_LENGTH; length < message.length; length++) {
      const cursor = new RecordCursor(message.subarray(0, length));
      let count = 0;
      while (cursor.next()) count++;
      expect([cursor.isBroken, count < 4, cursor.next()]).toEqual([true, true, false]);
    }
  });

  test("does not take what only looks like a name", () => {
    const broken = Buffer.from(message);
    // a pointer into the middle of a label can be passed over, but not followed
    broken.writeUInt16BE(0xc000 | (HEADER_LENGTH + 2), new RecordCursor(message).end);
    expect(() => [...readRecords(broken)]).toThrow("the message is not well-formed");
  });
});
