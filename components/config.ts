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
  /** NAME:PORT of a registry without TLS that the existing cluster pulls from; without it, images are loaded into minikube's nodes. */
  imageRegistry?: string;
  /** The image that all of ours are built on; without it, one made of Debian packages and the pinned Node. */
  baseImage?: string;
  /** Pods of the echo service. */
  echoReplicas: number;
  /** Where keys are in their rotation. */
  keys: Keyring;
}

/** Something that is wrong with what a stack is told. */
export interface ConfigFault {
  /** With its namespace. */
  key: string;
  /** What follows the key in a sentence. */
  message: string;
}

const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const optionalText = z.string().optional().transform((text) => (text === "" ? undefined : text));
const count = (least: number) => z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.int().min(least));

const schema = {
  inventory: z.string({ error: "is missing; name an inventory, e.g. hardware/inventory.local.yaml" }).min(1),
  nodes: optionalText.transform((text) => (text === "0" ? undefined : text)).pipe(count(2).optional()),
  zone: z.string().default("peak.").transform((text) => text.toLowerCase())
    .pipe(z.string().max(200).regex(new RegExp(`^(${label}\\.)+$`), "must be a domain name with its final dot, such as peak.")),
  ulaPrefix: prefix("fc00::/7", "a ULA /64 such as fd7e:ea4c:0:1::/64"),
  globalPrefix: prefix("2000::/3", "a global /64 such as 2001:db8:7ea:c::/64, or empty").optional(),
  kubeContext: optionalText,
  imageRegistry: optionalText.pipe(z.string().regex(/^[a-z0-9.-]+:\d+$/, "must be NAME:PORT, such as localhost:5000").optional()),
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

/** Namespaces of the configuration that are not ours: the engine's, and those of its plugins. */
const others = ["pulumi", "kubernetes", "command", "random", "tls"];

/**
 * Parses the stack's configuration.
 * @param config all of it, by keys with their namespaces, as the engine gives it: every value is text
 * @returns the settings, or every fault: a misspelt key is one, for it would silently change nothing
 */
export function parseSettings(config: Readonly<Record<string, string>>): { settings: Settings } | { faults: ConfigFault[] } {
  const known = Object.keys(schema);
  const strange = Object.keys(config).flatMap((key): ConfigFault[] => {
    const [namespace = "", name = ""] = key.split(":");
    if (namespace === "peak" ? known.includes(name) : others.includes(namespace)) return [];
    return [{ key, message: `is no key of this project; there are ${known.map((name) => `peak:${name}`).join(", ")}` }];
  });
  const raw = Object.fromEntries(
    known.map((key) => [key, config[`peak:${key}`]] as const)
      // An empty prefix means none, as an absent one does: all stack files can then have the same keys.
      .filter(([key, value]) => value !== undefined && !(key === "globalPrefix" && value === "")),
  );
  const result = z.object(schema).safeParse(raw);
  if (result.success && strange.length === 0) {
    return { settings: Object.fromEntries(Object.entries(result.data).filter(([, value]) => value !== undefined)) as unknown as Settings };
  }
  const wrong = result.error?.issues.map((issue) => ({ key: `peak:${z.core.toDotPath(issue.path)}`, message: issue.message })) ?? [];
  return { faults: [...strange, ...wrong] };
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
