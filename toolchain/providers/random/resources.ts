import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Properties } from "../shared/properties.ts";
import { integerBetween, sample, secureDraw } from "./draw.ts";
import { faultOf, randomText, type TextRules } from "./text.ts";

/** What a resource gets when it is created. */
interface Generated {
  readonly id: string;
  readonly outputs: Properties;
}

/** One resource type. Its values are made once; every change of an input makes a new resource. */
export interface ResourceType {
  readonly schema: z.ZodType;
  /** Names of the generated outputs. */
  readonly generated: readonly string[];
  /** Those among them that are secret. */
  readonly secrets: readonly string[];
  /** What the official plugin stores beside the outputs of the schema. */
  readonly meta: Properties;
  /** Checks the inputs, and completes them with the defaults of the official schema. */
  complete(inputs: unknown): Properties;
  /** Makes the values. */
  generate(inputs: unknown): Promise<Generated>;
}

const LARGEST_RANGE = 2 ** 48 - 1;
const keepers = z.record(z.string(), z.string()).optional();
// The official plugin draws these from a seeded generator of Go's, which is not to be had here.
const seed = z.undefined({ error: 'the bundled random plugin does not support "seed"; leave it out' }).optional();
const count = z.int().nonnegative().default(0);

function define<Schema extends z.ZodType>(type: {
  schema: Schema;
  generated: readonly string[];
  secrets?: readonly string[];
  /** Of the official plugin's own schema, where that is not its first. */
  schemaVersion?: number;
  generate(inputs: z.output<Schema>): Generated | Promise<Generated>;
}): ResourceType {
  return {
    schema: type.schema,
    generated: type.generated,
    secrets: type.secrets ?? [],
    meta: type.schemaVersion === undefined ? {} : { __meta: JSON.stringify({ schema_version: `${type.schemaVersion}` }) },
    complete: (inputs) => withoutUndefined(type.schema.parse(inputs) as Record<string, unknown>),
    generate: async (inputs) => type.generate(type.schema.parse(inputs)),
  };
}

function withoutUndefined(values: Record<string, unknown>): Properties {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Properties;
}

const text = z
  .strictObject({
    keepers,
    length: z.int(),
    lower: z.boolean().default(true),
    upper: z.boolean().default(true),
    number: z.boolean().optional(),
    numeric: z.boolean().optional(),
    special: z.boolean().default(true),
    minLower: count,
    minUpper: count,
    minNumeric: count,
    minSpecial: count,
    overrideSpecial: z.string().optional(),
  })
  // "number" is the old name of "numeric"; outputs have both.
  .transform(({ number, numeric, ...rest }) => {
    const digits = numeric ?? number ?? true;
    return { ...rest, number: digits, numeric: digits };
  })
  .superRefine((rules: TextRules, context) => {
    const fault = faultOf(rules);
    if (fault !== undefined) context.addIssue({ code: "custom", path: ["length"], message: fault });
  });

const password = define({
  schema: text,
  generated: ["result", "bcryptHash"],
  secrets: ["result", "bcryptHash"],
  schemaVersion: 3,
  async generate(rules) {
    const { hash } = await import("bcryptjs");
    const result = randomText(rules, secureDraw);
    // 2a and 2b are the same for what is shorter than 256 bytes; the official plugin writes the older name.
    const bcryptHash = (await hash(result, 10)).replace(/^\$2b\$/, "$2a$");
    return { id: "none", outputs: { result, bcryptHash } };
  },
});

const string = define({
  schema: text,
  generated: ["result"],
  schemaVersion: 2,
  generate(rules) {
    const result = randomText(rules, secureDraw);
    return { id: result, outputs: { result } };
  },
});

const bytes = define({
  schema: z.strictObject({ keepers, length: z.int().positive() }),
  generated: ["base64", "hex"],
  secrets: ["base64", "hex"],
  generate({ length }) {
    const value = randomBytes(length);
    // Not the value: an id is stored in plain text.
    return { id: "none", outputs: { base64: value.toString("base64"), hex: value.toString("hex") } };
  },
});

const id = define({
  schema: z.strictObject({ keepers, byteLength: z.int().positive(), prefix: z.string().optional() }),
  generated: ["b64Std", "b64Url", "hex", "dec"],
  generate({ byteLength, prefix = "" }) {
    const value = randomBytes(byteLength);
    const hex = value.toString("hex");
    const b64Url = value.toString("base64url");
    return {
      id: b64Url,
      outputs: {
        b64Std: prefix + value.toString("base64"),
        b64Url: prefix + b64Url,
        hex: prefix + hex,
        dec: prefix + BigInt(`0x${hex}`).toString(),
      },
    };
  },
});

const integer = define({
  schema: z
    .strictObject({ keepers, min: z.int(), max: z.int(), seed })
    .refine(({ min, max }) => min <= max, { path: ["min"], error: "min must not be above max" })
    .refine(({ min, max }) => max - min < LARGEST_RANGE, { path: ["max"], error: "the range from min to max must be below 2^48" }),
  generated: ["result"],
  generate({ min, max }) {
    const result = integerBetween(min, max, secureDraw);
    return { id: String(result), outputs: { result } };
  },
});

const shuffle = define({
  schema: z
    .strictObject({ keepers, inputs: z.array(z.string()), resultCount: z.int().nonnegative().optional(), seed })
    .refine(({ inputs, resultCount }) => inputs.length > 0 || !resultCount, { path: ["inputs"], error: "inputs must not be empty" }),
  generated: ["results"],
  generate({ inputs, resultCount }) {
    return { id: "-", outputs: { results: sample(inputs, resultCount ?? inputs.length, secureDraw) } };
  },
});

const uuid = (make: () => string): ResourceType =>
  define({
    schema: z.strictObject({ keepers }),
    generated: ["result"],
    generate() {
      const result = make();
      return { id: result, outputs: { result } };
    },
  });

/** A UUID that begins with the time in milliseconds (RFC 9562, version 7). */
export function uuid7(now: number): string {
  const random = randomUUID();
  const time = now.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}

/** The resource types by token. */
export const RESOURCES: Readonly<Record<string, ResourceType>> = {
  "random:index/randomPassword:RandomPassword": password,
  "random:index/randomString:RandomString": string,
  "random:index/randomBytes:RandomBytes": bytes,
  "random:index/randomId:RandomId": id,
  "random:index/randomInteger:RandomInteger": integer,
  "random:index/randomShuffle:RandomShuffle": shuffle,
  "random:index/randomUuid:RandomUuid": uuid(randomUUID),
  "random:index/randomUuid4:RandomUuid4": uuid(randomUUID),
  "random:index/randomUuid7:RandomUuid7": uuid(() => uuid7(Date.now())),
};
