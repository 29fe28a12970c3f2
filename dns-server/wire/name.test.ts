import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  foldName,
  formatName,
  isSubdomain,
  MAX_NAME_LENGTH,
  nameBytes,
  namesBelow,
  parentName,
  parseName,
  readName,
  replaceSuffix,
  ROOT,
  skipName,
  type Name,
} from "./name.ts";

/** Any name that can be: labels of any octets. */
export const anyName: fc.Arbitrary<Name> = fc
  .array(fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)), minLength: 1, maxLength: 63 }), {
    maxLength: 8,
  })
  .map((labels) => labels.map((label) => String.fromCharCode(label.length) + label).join("") + ROOT)
  .filter((wire) => wire.length <= MAX_NAME_LENGTH)
  .map((wire) => wire as Name);

describe("presentation form", () => {
  test.each([
    [".", "\0"],
    ["example.", "\x07example\0"],
    ["example", "\x07example\0"],
    ["a.b.", "\x01a\x01b\0"],
    ["\\046x.\\\\.", "\x02.x\x01\\\0"],
    ["a\\.b.", "\x03a.b\0"],
    ["\\255\\000.", "\x02\xff\x00\0"],
  ])("%s", (text, wire) => expect(parseName(text)).toBe(wire));

  test("relative names take the origin, @ is the origin", () => {
    const origin = parseName("peak.");
    expect(formatName(parseName("www", origin))).toBe("www.peak.");
    expect(formatName(parseName("www.", origin))).toBe("www.");
    expect(parseName("@", origin)).toBe(origin);
  });

  test.each(["", "..", ".a", "a..b", `${"x".repeat(64)}.`, "\\25", "\\256", "a\\", `${"abcdefg.".repeat(32)}`])('refuses "%s"', (text) => {
    expect(() => parseName(text)).toThrow();
  });

  test("the longest name is taken", () => expect(parseName(`${"a".repeat(63)}.`.repeat(3) + `${"b".repeat(61)}.`)).toHaveLength(255));

  test("format and parse are inverse", () =>
    fc.assert(fc.property(anyName, (name) => void expect(parseName(formatName(name))).toBe(name))));
});

describe("structure", () => {
  test("folding touches ASCII letters only", () => {
    expect(foldName("\x02\xc0A\0" as Name)).toBe("\x02\xc0a\0");
  });
  test("subdomains end at label boundaries", () => {
    const [zone, inside, outside] = [parseName("b.c."), parseName("a.b.c."), parseName("ab.c.")];
    expect([isSubdomain(zone, zone), isSubdomain(inside, zone), isSubdomain(outside, zone), isSubdomain(zone, ROOT)]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    // a label whose last octets look like the ancestor
    expect(isSubdomain("\x04x\x01bc\0" as Name, "\x01b\0" as Name)).toBe(false);
    expect(isSubdomain("\x03\x01b\0\0" as Name, "\x01b\0" as Name)).toBe(false);
  });
  test("walks labels", () => {
    expect(namesBelow(parseName("a.b.c."), parseName("c.")).map(formatName)).toEqual(["b.c.", "a.b.c."]);
    expect(formatName(parentName(parseName("a.b.c.")))).toBe("b.c.");
  });
  test("a replaced suffix must not make a name too long", () => {
    const long = parseName(`${"a".repeat(63)}.`.repeat(3) + "x.");
    expect(replaceSuffix(long, parseName("x."), parseName(`${"b".repeat(63)}.`))).toBeUndefined();
    expect(formatName(replaceSuffix(parseName("a.x."), parseName("x."), parseName("y.z."))!)).toBe("a.y.z.");
  });
});

describe("in messages", () => {
  test("reads what it wrote", () =>
    fc.assert(
      fc.property(anyName, (name) => {
        expect(readName(nameBytes(name), 0)).toEqual({ name, end: name.length });
      }),
    ));
  test("follows pointers backwards only", () => {
    const message = Buffer.from("\x01c\0\x01b\xc0\x00\x01a\xc0\x03", "latin1");
    expect(readName(message, 7)).toEqual({ name: "\x01a\x01b\x01c\0", end: 11 });
    expect(readName(Buffer.from("\x01a\xc0\x00", "latin1"), 0)).toBeUndefined();
    expect(readName(Buffer.from("\xc0\x02\xc0\x00", "latin1"), 2)).toBeUndefined();
    expect(readName(Buffer.from("\x01a\xc0\x04\x01b\0", "latin1"), 0)).toBeUndefined();
    // into the header
    expect(readName(Buffer.from("\0\0\x01a\0\0\0\0\0\0\0\0\xc0\x02", "latin1"), 12)).toBeUndefined();
  });
  test("any octets give a name or nothing, never an error", () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, at) => {
        const read = readName(bytes, at);
        if (read) expect(read.name.length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
      }),
    ));
});

test("passes over names as far as they are read, without following pointers", () => {
  const names = [Buffer.from("\x03abc\x01d\x00", "latin1"), Buffer.from([1, 0x65, 0xc0, 12, 0xc0, 19, 0xc0, 23, 64])];
  const message = Buffer.concat([Buffer.alloc(12), ...names]);
  for (const at of [12, 19, 21]) expect(skipName(message, at)).toBe(readName(message, at)?.end);
  // what a pointer leads to is not looked at, but it leads backwards; and labels end within the message
  expect([23, 25, 26, 27].map((at) => skipName(message, at))).toEqual([25, 27, undefined, undefined]);
  expect(skipName(Buffer.from([0xc0, 0, 0xc0, 99]), 0)).toBeUndefined();
  expect(skipName(Buffer.alloc(300, 1), 12)).toBeUndefined();
});
