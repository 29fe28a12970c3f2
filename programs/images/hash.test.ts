import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentTag, type Part } from "./hash.ts";

const part: fc.Arbitrary<Part> = fc.record({
  kind: fc.constantFrom("file", "package", "product", "base"),
  name: fc.string(),
  content: fc.oneof(fc.string(), fc.uint8Array()),
  executable: fc.boolean(),
});
const parts = fc.uniqueArray(part, { selector: ({ kind, name }) => `${kind} ${name}`, minLength: 1 });

/** The parts, one of them, and a number to change it by. */
const withOne = parts.chain((list) => fc.tuple(fc.constant(list), fc.nat(list.length - 1), fc.nat()));

function replaced(list: Part[], at: number, change: Partial<Part>): Part[] {
  return list.with(at, { ...list[at]!, ...change });
}

describe("contentTag", () => {
  it("is 32 hexadecimal digits, and stays as it is from one release to the next", () => {
    expect(contentTag([{ kind: "file", name: "a", content: "b" }])).toBe("b94c42e244c4d39e7ed110ff3c34cd00");
  });

  it("does not depend on the order", () => {
    fc.assert(
      fc.property(
        parts.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(contentTag(shuffled)).toBe(contentTag(list));
        },
      ),
    );
  });

  it("changes with any byte", () => {
    fc.assert(
      fc.property(withOne, ([list, at, n]) => {
        const bytes = Buffer.from(list[at]!.content);
        const changed = bytes.length === 0 ? Buffer.from("x") : bytes.with(n % bytes.length, bytes[n % bytes.length]! ^ (1 + (n % 255)));
        expect(contentTag(replaced(list, at, { content: changed }))).not.toBe(contentTag(list));
      }),
    );
  });

  it("changes with the executable bit, a name or a kind, and when a part is missing", () => {
    fc.assert(
      fc.property(withOne, ([list, at]) => {
        const one = list[at]!;
        const others = [
          replaced(list, at, { executable: !one.executable }),
          replaced(list, at, { name: `${"longer than any".repeat(10)}${one.name}` }),
          list.toSpliced(at, 1),
        ];
        for (const other of others) expect(contentTag(other)).not.toBe(contentTag(list));
      }),
    );
  });

  it("tells where one part ends and the next begins", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.string(), (moved, left, right) => {
        const one = contentTag([
          { kind: "file", name: "a", content: left + moved },
          { kind: "file", name: "b", content: right },
        ]);
        const other = contentTag([
          { kind: "file", name: "a", content: left },
          { kind: "file", name: "b", content: moved + right },
        ]);
        expect(one).not.toBe(other);
        expect(contentTag([{ kind: "file", name: left + moved, content: right }])).not.toBe(
          contentTag([{ kind: "file", name: left, content: moved + right }]),
        );
      }),
    );
  });

  it("refuses two parts of one name", () => {
    const a: Part = { kind: "file", name: "a", content: "1" };
    expect(() => contentTag([a, { ...a, content: "2" }])).toThrow("file a");
    expect(() => contentTag([a, { ...a, kind: "product" }])).not.toThrow();
  });
});
