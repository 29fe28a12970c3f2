import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { compare } from "bcryptjs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testStack, type TestStack } from "../shared/stack.ts";

const TIMEOUT_MS = 120_000;

let program: () => Record<string, unknown> | void;
let subject: TestStack;

beforeEach(async () => {
  subject = await testStack(async () => program());
}, 600_000);

afterEach(async () => {
  await subject.stack.destroy();
  await subject[Symbol.asyncDispose]();
}, TIMEOUT_MS);

test(
  "draws values once, keeps them, and draws anew when a keeper changes",
  async () => {
    const keepers = { generation: "1" };
    program = () => {
      const password = new random.RandomPassword("password", { length: 24, minSpecial: 3, overrideSpecial: "_-", keepers });
      const bytes = new random.RandomBytes("bytes", { length: 32 });
      const id = new random.RandomId("id", { byteLength: 4, prefix: "peak-" });
      const integer = new random.RandomInteger("integer", { min: 5, max: 5 });
      const shuffle = new random.RandomShuffle("shuffle", { inputs: ["a", "b", "c"], resultCount: 2 });
      const uuid = new random.RandomUuid("uuid");
      const text = new random.RandomString("text", { length: 8, special: false, numeric: false, upper: false });
      return {
        password: password.result,
        bcrypt: password.bcryptHash,
        key: bytes.base64,
        hex: bytes.hex,
        id: id.hex,
        integer: integer.result,
        shuffle: shuffle.results,
        uuid: uuid.result,
        text: text.result,
      };
    };
    await subject.stack.preview();
    const first = (await subject.stack.up()).outputs;
    expect(first["password"]).toEqual({ value: expect.stringMatching(/^[\w-]{24}$/), secret: true });
    expect(await compare(first["password"]?.value, first["bcrypt"]?.value)).toBe(true);
    expect(first["bcrypt"]?.secret).toBe(true);
    expect(first["key"]).toEqual({ value: Buffer.from(first["hex"]?.value, "hex").toString("base64"), secret: true });
    expect(Buffer.from(first["key"]?.value, "base64")).toHaveLength(32);
    expect(first["id"]).toEqual({ value: expect.stringMatching(/^peak-[0-9a-f]{8}$/), secret: false });
    expect(first["integer"]?.value).toBe(5);
    expect(new Set(first["shuffle"]?.value).size).toBe(2);
    expect(first["uuid"]?.value).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first["text"]?.value).toMatch(/^[a-z]{8}$/);

    const state = await subject.storedState();
    for (const name of ["password", "bcrypt", "key", "hex"]) expect(state).not.toContain(first[name]?.value);

    const second = await subject.stack.up();
    expect(second.summary.resourceChanges).toEqual({ same: 8 });
    expect(second.outputs).toEqual(first);

    await subject.stack.refresh();
    keepers.generation = "2";
    const third = await subject.stack.up();
    expect(third.summary.resourceChanges).toEqual({ same: 7, replace: 1 });
    expect(third.outputs["password"]?.value).not.toBe(first["password"]?.value);
    expect(third.outputs["key"]).toEqual(first["key"]);
  },
  TIMEOUT_MS,
);

test(
  "keeps a value when a default is spelled out or a keeper becomes secret",
  async () => {
    program = () => ({ out: new random.RandomPassword("password", { length: 16, keepers: { a: "1" } }).result });
    const first = await subject.stack.up();
    program = () => ({
      out: new random.RandomPassword("password", { length: 16, special: true, keepers: { a: pulumi.secret("1") } }).result,
    });
    const second = await subject.stack.up();
    expect(second.outputs).toEqual(first.outputs);
  },
  TIMEOUT_MS,
);

test(
  "refuses what it cannot do with one clear message",
  async () => {
    const faults: [() => void, RegExp][] = [
      [() => new random.RandomPet("subject"), /the bundled random plugin has no random:index\/randomPet:RandomPet/],
      [() => new random.RandomInteger("subject", { min: 1, max: 2, seed: "s" }), /does not support "seed"/],
      [
        () => new random.RandomPassword("subject", { length: 2, minLower: 3 }),
        /length \(2\) must be at least the sum of the min\* inputs \(3\)/,
      ],
      [() => random.RandomPassword.get("subject", "none"), /cannot import existing values/],
    ];
    for (const [declare, message] of faults) {
      program = declare as () => void;
      await expect(subject.stack.up()).rejects.toThrow(message);
    }
  },
  TIMEOUT_MS,
);
