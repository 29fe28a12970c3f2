import { expect, test } from "vitest";
import { RESOURCES, uuid7 } from "./resources.ts";

const resource = (name: string) => {
  const found = Object.entries(RESOURCES).find(([token]) => token.endsWith(`:${name}`));
  if (!found) throw new Error(name);
  return found[1];
};

test.each(Object.entries(RESOURCES))("%s makes exactly the outputs that it declares", async (_token, type) => {
  const samples = [{}, { length: 8 }, { byteLength: 8 }, { min: 1, max: 6 }, { inputs: ["a"] }];
  const inputs = samples.find((candidate) => type.schema.safeParse(candidate).success);
  const { id, outputs } = await type.generate(inputs);
  expect(Object.keys(outputs)).toEqual(type.generated);
  for (const name of type.secrets) expect(outputs[name]).not.toBe(id);
});

test("number is the old name of numeric", () => {
  const { complete } = resource("RandomString");
  expect(complete({ length: 1, number: false })).toMatchObject({ number: false, numeric: false });
  expect(complete({ length: 1, number: true, numeric: false })).toMatchObject({ number: false, numeric: false });
  expect(complete({ length: 1 })).toMatchObject({ number: true, numeric: true, lower: true, minLower: 0 });
});

test("a decimal id is the same number as the hexadecimal one", async () => {
  const { outputs } = await resource("RandomId").generate({ byteLength: 16 });
  expect(BigInt(String(outputs["dec"]))).toBe(BigInt(`0x${outputs["hex"]}`));
});

test("a version 7 UUID begins with the time", () => {
  expect(uuid7(0x0123456789ab)).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
