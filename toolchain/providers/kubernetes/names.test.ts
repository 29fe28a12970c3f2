import fc from "fast-check";
import { expect, test } from "vitest";
import { assignName, keepName } from "./names.ts";
import { UNKNOWN } from "../shared/properties.ts";

const seed = new Uint8Array([1, 2, 3]);
const autonamed = { "pulumi.com/autonamed": "true" };

test("an unnamed object gets its resource's name and eight digits, the same for the same seed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      const named = assignName({ kind: "Pod" }, "echo", bytes);
      expect(named).toEqual({ kind: "Pod", metadata: { name: expect.stringMatching(/^echo-[0-9a-f]{8}$/), annotations: autonamed } });
      expect(assignName({ kind: "Pod" }, "echo", bytes)).toEqual(named);
    }),
  );
});

test.each([
  { metadata: { name: "given" } },
  { metadata: { name: UNKNOWN } },
  { metadata: UNKNOWN },
  { metadata: { generateName: "given-" } },
])("%j is not renamed", (object) => {
  expect(assignName(object, "echo", seed)).toBe(object);
});

test("the engine's autonaming is obeyed", () => {
  const propose = { mode: "propose", proposedName: "proposed" } as const;
  expect(assignName({}, "echo", seed, propose)).toMatchObject({ metadata: { name: "proposed" } });
  expect(() => assignName({}, "echo", seed, { mode: "disable", proposedName: "" })).toThrow(/echo: metadata.name is required/);
});

test("an automatic name stays as long as the program gives none", () => {
  const old = { metadata: { name: "echo-1", annotations: autonamed } };
  expect(keepName({ metadata: { labels: {} } }, old)).toEqual({ metadata: { labels: {}, name: "echo-1", annotations: autonamed } });
  expect(keepName({ metadata: { name: "other" } }, old)).toEqual({ metadata: { name: "other" } });
  expect(keepName({}, { metadata: { name: "given" } })).toEqual({});
});
