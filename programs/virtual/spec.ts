import { isIPv6 } from "node:net";
import { z } from "zod";
import { keyPair, publicKey } from "../ssh-keys.ts";
import { BRIDGE, SWITCH } from "./layout.ts";

const address = z.string().refine(isIPv6, "not an IPv6 address");
const prefix = z.string().refine((text) => {
  const [base, length, ...rest] = text.split("/");
  return isIPv6(base ?? "") && /^\d{1,3}$/.test(length ?? "") && Number(length) <= 128 && rest.length === 0;
}, "not an IPv6 prefix, such as fd00:1:2:3::/64");
/** It is part of a namespace's name and a link's name on the bridge (15 characters at most). */
const name = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,14}$/, "use 1 to 15 lower-case letters and digits, starting with a letter")
  .refine((text) => text !== SWITCH && text !== BRIDGE, "is the name of something else");
/** Prefixes that are reached through an address. */
const route = z.strictObject({ via: address, prefixes: z.array(prefix) });

/** The bridge that all virtual hosts are plugged into, and the router on it. */
export const networkSpec = z.strictObject({
  /** The /64s of the link: the cluster's, and the provider's if there is one. */
  prefixes: z.array(prefix).min(1),
  /** The router's address in each of them. */
  router: z.array(address).min(1),
  /** Address of the host's end of the link to the bridge. */
  host: address,
  /** The /80s of the nodes. */
  routes: z.array(route),
});
export type NetworkSpec = z.infer<typeof networkSpec>;

/** A virtual Pi. */
export const piSpec = z.strictObject({
  name,
  /** Addresses of eth0, each on a /64. */
  addresses: z.array(address).min(1),
  /** The default router. */
  gateway: address,
  /** Public keys that may log in as root. */
  authorizedKeys: z.array(publicKey).min(1),
  /** The SSH server's identity. */
  hostKeys: z.array(keyPair).min(1),
});
export type PiSpec = z.infer<typeof piSpec>;

/** A client emulator: a namespace with a recursive resolver of its own. */
export const clientSpec = z.strictObject({
  name,
  /** Addresses of eth0, each on a /64. */
  addresses: z.array(address).min(1),
  /** The default router. */
  gateway: address,
  /** The /80s of the nodes: a client is on their link, so it need not take the way over the router. */
  routes: z.array(route),
  /** Configuration of unbound, its resolver, which is to listen on port 53 of ::1. */
  resolver: z.string().min(1),
});
export type ClientSpec = z.infer<typeof clientSpec>;

/** Names the host to take down. */
export const downSpec = z.object({ name });

/** Parses what came on standard input; throws one line for each fault, naming its place. */
export function parseSpec<T>(schema: z.ZodType<T>, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`standard input is not JSON: ${(error as Error).message}`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) => `${issue.path.join(".") || "spec"}: ${issue.message}`).join("\n"));
}
