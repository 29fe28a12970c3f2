import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { dnssec, dnssecFrom } from "../dnssec/settings.ts";
import { UserError } from "../runtime/errors.ts";
import { limitKeys } from "../limit/settings.ts";
import { isDomain } from "../model/names.ts";
import { address, endpoint, key, keys, name, prefix, seconds, socketPath } from "../settings/values.ts";
import { ACCESS_FILES } from "../steering/access.ts";
import { clusterName, maxHeld, probe, prometheus, readmissionMargin, ttlRange } from "../steering/settings.ts";
import { tls } from "../transport/settings.ts";
import { knowsKeys, secondaryZone, transfer } from "../transfer/settings.ts";
import { parsePrefix } from "../wire/address.ts";
import { isMetaType, typeCode } from "../wire/constants.ts";
import { MAX_NSID_LENGTH } from "../wire/edns.ts";
import { formatEndpoint } from "../wire/endpoint.ts";
import { formatName, isSubdomain, ROOT, wildcardOf, type Name } from "../wire/name.ts";

const domain = z.string().toLowerCase().refine(isDomain, "must be host name labels (a-z, 0-9, -), relative to the zone");
const wildcard = name.refine((value) => value.startsWith(wildcardOf(ROOT).slice(0, 2)), "must begin with *.");
const nameServer = z.strictObject({ name, addresses: z.array(address).default([]) });

const recordType = z.string().transform((text, context) => {
  const code = typeCode(text);
  if (code !== undefined && !isMetaType(code)) return code;
  context.addIssue(`"${text}" is no record type`);
  return z.NEVER;
});

const updates = z.strictObject({
  journal: z.string(),
  grants: z
    .array(
      z
        .strictObject({
          key: name,
          delegateTo: z.array(name).default([]),
          names: z.array(name).default([]),
          types: z.array(recordType).default([]),
        })
        .refine(
          ({ delegateTo, names, types }) => names.length > 0 === types.length > 0 && delegateTo.length + names.length > 0,
          "grants nothing: give delegateTo, or both names and types",
        ),
    )
    .min(1),
});

const listen = z
  .array(endpoint)
  .min(1)
  .refine((list) => {
    const fixed = list.filter(({ port }) => port !== 0);
    return new Set(fixed.map(formatEndpoint)).size === fixed.length;
  }, "an address is given twice");

/** Addresses that nobody has on the Internet: the host itself, unique local, link-local, private and shared ones. */
const NOT_PUBLIC = ["::1/128", "fc00::/7", "fe80::/10", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map(
  parsePrefix,
);

const common = {
  listen,
  http: endpoint.optional(),
  metricsFrom: z.array(prefix).default(NOT_PUBLIC),
  control: socketPath.optional(),
  udp: z.enum(["batched", "plain"]).default(process.platform === "linux" ? "batched" : "plain"),
  workers: z.int().min(1).max(64).default(1),
  nsid: z.string().max(MAX_NSID_LENGTH).optional(),
  tls: tls.optional(),
  ...limitKeys,
};

const root = z
  .strictObject({
    role: z.literal("root"),
    ...common,
    zone: name,
    records: z.string().optional(),
    file: z.string().optional(),
    include: z.boolean().default(false),
    delegations: z.record(domain, z.array(nameServer).min(1)).default({}),
    delegationTtl: seconds.default(60),
    keys,
    updates: updates.optional(),
    transfer,
    dnssec,
  })
  .refine(
    ({ records, file }) => (records === undefined) !== (file === undefined),
    "give either records (master-file text) or file (its path)",
  )
  .refine(({ keys, updates: given }) => given?.grants.every((grant) => keys.some(({ name: known }) => known === grant.key)) ?? true, {
    path: ["updates", "grants"],
    message: "a grant names a key that is not under keys",
  })
  .superRefine(({ zone, updates: given, delegations }, context) => {
    const check = (inside: Name, path: PropertyKey[], remedy = ""): void => {
      if (isSubdomain(inside, zone)) return;
      context.addIssue({ code: "custom", path, message: `${formatName(inside)} is out of the zone ${formatName(zone)}${remedy}` });
    };
    given?.grants.forEach(({ names }, i) => names.forEach((granted) => check(granted, ["updates", "grants", i, "names"])));
    for (const [domain, servers] of Object.entries(delegations))
      servers.forEach(({ name: server, addresses }, i) => {
        if (addresses.length > 0) check(server, ["delegations", domain, i], ": leave out its addresses");
      });
  })
  .superRefine(knowsKeys);

const cluster = z
  .strictObject({
    role: z.literal("cluster"),
    ...common,
    zone: name,
    nameServers: z.array(nameServer).min(1),
    domains: z.array(domain).default([]),
    ttl: seconds.default(5),
    ttlRange,
    probe,
    prometheus: prometheus.optional(),
    clusterName: clusterName.optional(),
    readmissionMargin,
    maxHeld,
    negativeTtl: seconds.default(5),
    delegationTtl: seconds.default(60),
    maxAnswers: z.int().min(1).max(40).default(8),
    ingressClass: z.string().min(1).default("peak"),
    file: z.string().optional(),
    vanity: z.array(z.strictObject({ name: wildcard, target: name })).default([]),
    register: z
      .strictObject({ servers: z.array(endpoint).min(1), key, lease: z.int().min(10).max(86_400).default(60), as: z.array(name).min(1).optional() })
      .optional(),
    kubernetes: z.strictObject({ kubeconfig: z.string().optional(), context: z.string().optional() }).default({}),
  })
  .refine(({ nameServers, register }) => register?.as?.every((as) => nameServers.some((server) => server.name === as)) ?? true, {
    path: ["register", "as"],
    message: "names a server that is not under nameServers",
  });

const zoneList = <T extends z.ZodType<{ origin: Name }>>(zone: T) =>
  z
    .array(zone)
    .min(1)
    .refine((list) => new Set(list.map(({ origin }) => origin)).size === list.length, "a zone is given twice");

const zones = z
  .strictObject({
    role: z.literal("zones"),
    ...common,
    zones: zoneList(z.strictObject({ origin: name, file: z.string(), include: z.boolean().default(false), transfer, dnssec })),
    keys,
  })
  .superRefine(knowsKeys);

const secondary = z
  .strictObject({ role: z.literal("secondary"), ...common, zones: zoneList(secondaryZone), keys })
  .superRefine(knowsKeys);

const schema = z.discriminatedUnion("role", [root, cluster, zones, secondary]);

export type Config = z.output<typeof schema>;
export type RootConfig = z.output<typeof root>;
export type ClusterConfig = z.output<typeof cluster>;
export type ZonesConfig = z.output<typeof zones>;
export type SecondaryConfig = z.output<typeof secondary>;

/**
 * Reads a configuration. Relative paths in it are taken from the folder of `file`.
 * @throws UserError that names every faulty key
 */
export function parseConfig(text: string, file: string): Config {
  const document = parseDocument(text, { prettyErrors: true });
  const fault = document.errors[0];
  if (fault) throw new UserError(`${file}: ${fault.message.split("\n")[0]!.replace(/:$/, "")}`);
  const folder = dirname(file);
  const fromFolder = (path: string): string => resolve(folder, path);
  const checked = check(document.toJS(), (path) => `${file}: ${keyPath(path)}`);
  const config = {
    ...checked,
    ...(checked.control === undefined ? {} : { control: fromFolder(checked.control) }),
    ...(checked.tls && { tls: { ...checked.tls, certificate: fromFolder(checked.tls.certificate), key: fromFolder(checked.tls.key) } }),
    ...(checked.refusals === undefined ? {} : { refusals: fromFolder(checked.refusals) }),
  };
  switch (config.role) {
    case "root":
      return {
        ...config,
        ...(config.file === undefined ? {} : { file: fromFolder(config.file) }),
        ...(config.updates === undefined ? {} : { updates: { ...config.updates, journal: fromFolder(config.updates.journal) } }),
        dnssec: dnssecFrom(folder, config.dnssec),
      };
    case "zones":
      return {
        ...config,
        zones: config.zones.map((zone) => ({ ...zone, file: fromFolder(zone.file), dnssec: dnssecFrom(folder, zone.dnssec) })),
      };
    case "secondary":
      return {
        ...config,
        zones: config.zones.map((zone) => ({
          ...zone,
          ...(zone.file === undefined ? {} : { file: fromFolder(zone.file) }),
          dnssec: dnssecFrom(folder, zone.dnssec),
        })),
      };
    case "cluster": {
      const { kubeconfig } = config.kubernetes;
      const { prometheus } = config;
      const files = ACCESS_FILES.flatMap((key) => (prometheus?.[key] === undefined ? [] : [[key, fromFolder(prometheus[key])]]));
      return {
        ...config,
        ...(prometheus && { prometheus: { ...prometheus, ...Object.fromEntries(files) } }),
        ...(config.file === undefined ? {} : { file: fromFolder(config.file) }),
        kubernetes: { ...config.kubernetes, ...(kubeconfig === undefined ? {} : { kubeconfig: fromFolder(kubeconfig) }) },
      };
    }
  }
}

/**
 * The configuration that `--zone ORIGIN=FILE` and `--listen ADDRESS:PORT` stand for.
 * @throws UserError that names the faulty flag
 */
export function parseZoneFlags(zoneFlags: readonly string[], listen: readonly string[]): Config {
  if (zoneFlags.length === 0 || listen.length === 0) {
    throw new UserError("give --config FILE, or at least one --zone ORIGIN=FILE and one --listen ADDRESS:PORT");
  }
  const list = zoneFlags.map((flag) => {
    const split = flag.indexOf("=");
    if (split < 1) throw new UserError(`--zone ${flag}: must be ORIGIN=FILE`);
    return { origin: flag.slice(0, split), file: flag.slice(split + 1) };
  });
  return check({ role: "zones", listen, zones: list }, ([key]) => `${key === "listen" ? "--listen" : "--zone"}: `);
}

function check(value: unknown, place: (path: readonly PropertyKey[]) => string): Config {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new UserError(parsed.error.issues.map((issue) => place(issue.path) + issue.message).join("\n"));
  return parsed.data;
}

/** @throws UserError when the file cannot be read or is faulty */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`cannot read the configuration: ${(error as Error).message}`);
  }
  return parseConfig(text, file);
}

function keyPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "";
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return `key ${text.replace(/^\./, "")}: `;
}
