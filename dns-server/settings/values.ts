import { isIP } from "node:net";
import { z } from "zod";
import { parsePrefix } from "../wire/address.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import { TSIG_ALGORITHMS, type TsigKey } from "../wire/tsig.ts";

/** What the configuration is made of: the schemas that more than one part of it uses. */

export const endpoint = z.string().transform((text, context) => {
  const parsed = parseEndpoint(text);
  if (parsed && isIP(parsed.address)) return parsed;
  context.addIssue(`"${text}" is not [IPV6]:PORT or IPV4:PORT`);
  return z.NEVER;
});

/** A schema for text that a parser takes; what the parser throws is the fault. */
const parsed = <T>(parse: (text: string) => T) =>
  z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue((error as Error).message);
      return z.NEVER;
    }
  });

/** A name, absolute whether or not it ends with a dot; folded. */
export const name = parsed((text): Name => foldName(parseName(text)));

/** `ADDRESS/LENGTH`, or an address alone. */
export const prefix = parsed(parsePrefix);

export const address = z.string().refine((text) => isIP(text) !== 0, "must be an IPv6 or IPv4 address");
export const seconds = z.int().min(0).max(0x7fffffff);

/** Of a unix domain socket (sockaddr_un, with its final zero), in octets. */
const MAX_SOCKET_PATH = 107;
export const socketPath = z.string().max(MAX_SOCKET_PATH, `is longer than a unix domain socket's path may be (${MAX_SOCKET_PATH})`);

export const key = z
  .strictObject({ name, algorithm: z.enum(TSIG_ALGORITHMS).default("hmac-sha256"), secret: z.base64().min(1) })
  .transform(({ secret, ...rest }): TsigKey => ({ ...rest, secret: Buffer.from(secret, "base64") }));

export const keys = z
  .array(key)
  .default([])
  .refine((list) => new Set(list.map((item) => item.name)).size === list.length, "a key is given twice");
