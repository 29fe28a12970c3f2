import { parseProbe, PROBE_FORM } from "../health/spec.ts";
import type { Fault, ObjectRef, Port, ProbeSpec, SteeringSpec, TtlSpec } from "../model/domain.ts";
import { isDomain } from "../model/names.ts";
import {
  DEFAULT_POLICY,
  DEFAULT_THRESHOLD,
  parsePolicy,
  parseThreshold,
  parseTtlSpec,
  POLICY_FORM,
  THRESHOLD_FORM,
  TTL_FORM,
} from "../steering/annotations.ts";
import { withClusterType } from "../steering/template.ts";
import { parseName, replaceSuffix, ROOT, type Name } from "../wire/name.ts";
import type { Setting, Settings } from "./facts.ts";

/** What annotations and labels say, and who said it. Pure; a malformed one is a fault, and is as if it were not there. */

/** An object, and the settings on it. Where several are given the first that has a key decides. */
export interface SettingsSource {
  readonly object: ObjectRef;
  readonly settings: Settings;
}

/** What the targets of a domain have in common. */
export interface DomainSettings {
  readonly onlyTop: boolean;
  readonly steering: SteeringSpec | undefined;
  readonly ttl: TtlSpec | undefined;
}

/** The texts of a ConfigMap beside the object, by key; undefined where there is none of that name. */
export type ConfigMaps = (name: string) => Readonly<Record<string, string>> | undefined;

/** Why a text of the right form cannot be used. */
class Unusable extends Error {
  override readonly name = "Unusable";
}

const KEYS = {
  domain: "dns.peak/domain",
  onlyTop: "dns.peak/only-top",
  loadbalance: "dns.peak/loadbalance",
  mode: "dns.peak/loadbalance-mode",
  threshold: "dns.peak/overload-threshold",
  ttl: "dns.peak/ttl",
  probe: "dns.peak/probe",
  clusterType: "dns.peak/cluster-type",
  allowBelow: "dns.peak/allow-below",
  /** As it was called first. */
  bareClusterType: "cluster-type",
} as const;

const KNOWN: ReadonlySet<string> = new Set(Object.values(KEYS));

/** Reads settings, the most specific object first. Faults go to `fault`. */
export class SettingsReader {
  private readonly sources: readonly SettingsSource[];
  private readonly fault: (fault: Fault) => void;

  constructor(sources: readonly SettingsSource[], fault: (fault: Fault) => void) {
    this.sources = sources;
    this.fault = fault;
    for (const { object, settings } of sources) {
      for (const [key, { from }] of Object.entries(settings)) {
        if (key.startsWith("dns.peak/") && !KNOWN.has(key))
          fault({ object, reason: "UnknownSetting", message: `${from} ${key} means nothing; there is ${[...KNOWN].join(", ")}` });
      }
      const word = settings[KEYS.allowBelow];
      if (!word) continue;
      if (object.kind !== "Namespace")
        fault({ object, reason: "UnknownSetting", message: `${word.from} ${KEYS.allowBelow} has no effect but on a Namespace` });
      else if (!parseNamespaces(word.text)) fault({ object, reason: "InvalidSetting", message: invalid(KEYS.allowBelow, word, NAMESPACES) });
    }
  }

  /** The domain, relative to `zone`, or undefined. */
  domain(zone: Name): Name | undefined {
    return this.read(KEYS.domain, "one or more host name labels (a-z, 0-9, -), relative to the zone, such as shop", (text) => {
      const domain = text.toLowerCase();
      const name = isDomain(domain) ? parseName(domain) : undefined;
      return name && replaceSuffix(name, ROOT, zone);
    });
  }

  /** How to probe a target with these ports: over TCP at the first declared TCP port when nothing is said. */
  probe(ports: readonly Port[]): ProbeSpec | undefined {
    const first = ports.find(({ protocol }) => protocol === "TCP");
    return this.saidProbe(first && { kind: "tcp", port: first.port });
  }

  /** How to probe a target as somebody says; `unsaid` when nobody does. */
  saidProbe(unsaid?: ProbeSpec): ProbeSpec | undefined {
    const said = this.read(KEYS.probe, PROBE_FORM, parseProbe);
    return said === "off" ? undefined : (said ?? unsaid);
  }

  /** What is said of the domain as a whole. */
  domainSettings(configMaps: ConfigMaps): DomainSettings {
    const word = "a word of letters, digits, dots, - and _";
    const parseWord = (text: string): string | undefined => (/^[\w.-]+$/.test(text) ? text : undefined);
    const clusterType = this.read(KEYS.clusterType, word, parseWord) ?? this.read(KEYS.bareClusterType, word, parseWord);
    const complete = (query: string): string => withClusterType(query, clusterType);
    const ttl = this.read(KEYS.ttl, TTL_FORM, parseTtlSpec);
    const steering = this.steering(configMaps);
    return {
      onlyTop: this.read(KEYS.onlyTop, "true or false", parseBoolean) ?? false,
      steering: steering && { ...steering, query: complete(steering.query) },
      ttl: ttl?.kind === "query" ? { ...ttl, query: complete(ttl.query) } : ttl,
    };
  }

  private steering(configMaps: ConfigMaps): SteeringSpec | undefined {
    const form = "a PromQL text, or configmap.NAME.KEY for one of a ConfigMap in the same namespace";
    const query = this.read(KEYS.loadbalance, form, (text) => {
      const reference = /^configmap\.(.*)$/s.exec(text.trim())?.[1];
      return (reference === undefined ? text : configMapText(reference, configMaps)).trim() || undefined;
    });
    const policy = this.read(KEYS.mode, POLICY_FORM, parsePolicy);
    const threshold = this.read(KEYS.threshold, THRESHOLD_FORM, parseThreshold);
    return query === undefined
      ? undefined
      : {
          policy: policy ?? DEFAULT_POLICY,
          query,
          threshold: threshold ?? DEFAULT_THRESHOLD,
        };
  }

  /** The setting of the first object that has it, parsed. One that is malformed is told, and the next object decides. */
  private read<T>(key: string, form: string, parse: (text: string) => T | undefined): T | undefined {
    for (const { object, settings } of this.sources) {
      const setting: Setting | undefined = settings[key];
      if (setting === undefined) continue;
      let why: string | undefined;
      try {
        const value = parse(setting.text);
        if (value !== undefined) return value;
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        why = error.message;
      }
      this.fault({ object, reason: "InvalidSetting", message: invalid(key, setting, form, why) });
    }
    return undefined;
  }
}

const invalid = (key: string, { from, text }: Setting, form: string, why = `it must be ${form}`): string =>
  `${from} ${key} "${text}" is ignored: ${why}`;

const NAMESPACES = "names of namespaces, separated by commas, or * for all";

const parseNamespaces = (text: string): string[] | undefined => {
  const names = text.split(",").map((item) => item.trim());
  return names.every((item) => item === "*" || /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(item)) ? names : undefined;
};

/** What a namespace with these settings says of names below its own. */
export const allowedBelow = (settings: Settings | undefined): string | undefined => settings?.[KEYS.allowBelow]?.text;

/** Whether a namespace with these settings lets another one have names below its own. */
export function allowsBelow(settings: Settings | undefined, other: string): boolean {
  const names = parseNamespaces(allowedBelow(settings) ?? "") ?? [];
  return names.includes(other) || names.includes("*");
}

/**
 * The text that `NAME.KEY` stands for. Both may have dots in them: of the ways to read it the first that leads to a text counts.
 * @throws Unusable
 */
function configMapText(reference: string, configMaps: ConfigMaps): string {
  const words = reference.split(".");
  let found: string | undefined;
  for (let split = 1; split < words.length; split++) {
    const name = words.slice(0, split).join(".");
    const texts = configMaps(name);
    const text = texts?.[words.slice(split).join(".")];
    if (text !== undefined) return text;
    if (texts) found ??= name;
  }
  if (found === undefined) throw new Unusable(`there is no ConfigMap ${words[0]} in the namespace`);
  throw new Unusable(`the ConfigMap ${found} has no such key with a text of at most 4096 characters`);
}

const parseBoolean = (text: string): boolean | undefined => ({ true: true, false: false })[text.toLowerCase()];
