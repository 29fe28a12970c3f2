import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { dnssecFrom } from "../dnssec/settings.ts";
import { UserError } from "../runtime/errors.ts";
import { ACCESS_FILES } from "../steering/access.ts";
import { configuration, type Config } from "./roles.ts";

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
  const parsed = configuration.safeParse(value);
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
