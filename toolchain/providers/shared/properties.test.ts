import { expect, test } from "vitest";
import { archive, asset, hasUnknown, isArchive, isAsset, isSecret, reveal, secret, UNKNOWN } from "./properties.ts";

test("a secret is marked once, and revealed at every depth", () => {
  expect(isSecret(secret("a"))).toBe(true);
  expect(secret(secret("a"))).toEqual(secret("a"));
  expect(reveal({ list: [secret({ deep: secret(1) })], plain: null })).toEqual({ list: [{ deep: 1 }], plain: null });
});

test("unknown values are found at every depth, in secrets too", () => {
  expect(hasUnknown({ list: [secret({ deep: UNKNOWN })] })).toBe(true);
  expect(hasUnknown({ list: [secret({ deep: "known" })], nothing: null })).toBe(false);
  expect(hasUnknown(undefined)).toBe(false);
});

test("assets and archives are told from other maps and from each other", () => {
  expect([isAsset(asset({ text: "" })), isArchive(asset({ text: "" })), isAsset({ text: "" })]).toEqual([true, false, false]);
  expect([isArchive(archive({ path: "." })), isAsset(archive({ path: "." }))]).toEqual([true, false]);
});
