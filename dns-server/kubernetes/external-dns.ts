import type { TtlSpec } from "../model/domain.ts";
import type { Settings } from "./facts.ts";

/** The annotations of external-dns: of the two prefixes the newer wins. */

export const EXTERNAL_DNS_PREFIXES = ["external-dns.kubernetes.io/", "external-dns.alpha.kubernetes.io/"] as const;

/** What `controller` says where the object is for external-dns, and so for whoever reads its annotations. */
const CONTROLLER = "dns-controller";

type Key = "hostname" | "internal-hostname" | "target" | "ttl" | "controller";

/** The text of an annotation; labels say nothing. */
export function externalDns(settings: Settings, key: Key): string | undefined {
  for (const prefix of EXTERNAL_DNS_PREFIXES) {
    const setting = settings[prefix + key];
    if (setting?.from === "annotation") return setting.text;
  }
  return undefined;
}

/** Whether an object is another controller's. */
export const isAnothers = (settings: Settings): boolean => (externalDns(settings, "controller") ?? CONTROLLER) !== CONTROLLER;

export const splitList = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** Whole seconds, or a duration such as `1m30s`. */
export function externalDnsTtl(settings: Settings, fault: (reason: string, message: string) => void): TtlSpec | undefined {
  const text = externalDns(settings, "ttl");
  if (text === undefined) return undefined;
  const [whole, hours, minutes, seconds] = /^(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s?)?$/.exec(text) ?? [];
  if (whole) return { kind: "fixed", seconds: Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0) };
  fault("InvalidSetting", `annotation ttl of external-dns "${text}" is ignored: it must be whole seconds, or a duration such as 1m30s`);
  return undefined;
}
