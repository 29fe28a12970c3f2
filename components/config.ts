import { z } from "zod";
import { parseKeyring, type Keyring } from "./pki/generations.ts";
import { overlaps, parsePrefix, type Prefix } from "../addressing/prefix.ts";

/** What a stack is told, typed and checked. Every key is described in Pulumi.yaml. */
export interface Settings {
  /** Path of the inventory, relative to the project. */
  inventory: string;
  /** How many nodes (hosts that are not clients) to have, where that differs from the inventory. */
  nodes?: number;
  /** The zone with its final dot, in lower case. */
  zone: string;
  /** The cluster's ULA /64. */
  ulaPrefix: string;
  /** The provider's global /64. */
  globalPrefix?: string;
  /** The kubeconfig context of a cluster that exists already; without it the stack makes its own on the inventory's hosts. */
  kubeContext?: string;
  /** The image that all of ours are built on; without it, one made of Debian packages and the pinned Node. */
  baseImage?: string;
  /** Pods of the echo service. */
  echoReplicas: number;
  /** Where keys are in their rotation. */
  keys: Keyring;
}

/** Where the settings come from: `new pulumi.Config("peak")` has this shape. */
export interface ConfigSource {
  get(key: string): string | undefined;
}

const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const optionalText = z.string().optional().transform((text) => (text === "" ? undefined : text));
const count = (least: number) => z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.int().min(least));

const schema = {
  inventory: z.string({ error: "is missing; name an inventory, e.g. hardware/inventory.local.yaml" }).min(1),
  nodes: optionalText.pipe(count(2).optional()),
  zone: z.string().default("peak.").transform((text) => text.toLowerCase())
    .pipe(z.string().max(200).regex(new RegExp(`^(${label}\\.)+$`), "must be a domain name with its final dot, such as peak.")),
  ulaPrefix: prefix("fc00::/7", "a ULA /64 such as fd7e:ea4c:0:1::/64"),
  globalPrefix: prefix("2000::/3", "a global /64 such as 2001:db8:7ea:c::/64, or empty").optional(),
  kubeContext: optionalText,
  baseImage: optionalText,
  echoReplicas: count(1).default(4),
  keys: z.string().default("").transform((text, context) => {
    try {
      return parseKeyring(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: `is wrong: ${(error as Error).message}` });
      return z.NEVER;
    }
  }),
};

/**
 * Parses the stack's configuration.
 * @throws Error listing every fault with its key
 */
export function parseSettings(source: ConfigSource): Settings {
  const raw = Object.fromEntries(
    Object.keys(schema).map((key) => [key, source.get(key)] as const)
      // An empty prefix means none, as an absent one does: all stack files can then have the same keys.
      .filter(([key, value]) => value !== undefined && !(key === "globalPrefix" && value === "")),
  );
  const result = z.object(schema).safeParse(raw);
  if (result.success) return Object.fromEntries(Object.entries(result.data).filter(([, value]) => value !== undefined)) as unknown as Settings;
  const faults = result.error.issues.map((issue) => `  peak:${z.core.toDotPath(issue.path)} ${issue.message}`);
  throw new Error(`the stack's configuration has faults (set a key with \`pulumi config set KEY VALUE\` or in Pulumi.STACK.yaml):\n${faults.join("\n")}`);
}

function prefix(range: string, example: string) {
  const allowed = parsePrefix(range);
  return z.string({ error: `is missing; it must be ${example}` }).superRefine((text, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    let parsed: Prefix;
    try {
      parsed = parsePrefix(text);
    } catch (error) {
      return complain(`must be ${example}: ${(error as Error).message}`);
    }
    if (parsed.length !== 64 || !overlaps(allowed, parsed)) complain(`must be ${example}, not "${text}"`);
  });
}
