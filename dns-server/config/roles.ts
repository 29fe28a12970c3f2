import { z } from "zod";
import { dnssec } from "../dnssec/settings.ts";
import { limitKeys } from "../limit/settings.ts";
import { isDomain } from "../model/names.ts";
import { address, endpoint, key, keys, name, prefix, seconds, socketPath } from "../settings/values.ts";
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

/** The configuration of every role. */
export const configuration = z.discriminatedUnion("role", [root, cluster, zones, secondary]);

export type Config = z.output<typeof configuration>;
export type RootConfig = z.output<typeof root>;
export type ClusterConfig = z.output<typeof cluster>;
export type ZonesConfig = z.output<typeof zones>;
export type SecondaryConfig = z.output<typeof secondary>;
