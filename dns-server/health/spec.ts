import type { ProbeSpec } from "../model/domain.ts";

/** Probes in the words of annotations. */

export const PROBE_FORM = "tcp:PORT, http:PORT/PATH or off";

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** @returns undefined when it is malformed */
export function parseProbe(text: string): ProbeSpec | "off" | undefined {
  if (text.toLowerCase() === "off") return "off";
  const [, kind, digits, path] = /^(tcp|http):(\d{1,5})(\/[\x21-\x7e]*)?$/.exec(text) ?? [];
  const port = Number(digits);
  if (!isPort(port)) return undefined;
  if (kind === "http") return { kind, port, path: path ?? "/" };
  return path === undefined ? { kind: "tcp", port } : undefined;
}

export const formatProbe = (spec: ProbeSpec): string => (spec.kind === "tcp" ? `tcp:${spec.port}` : `http:${spec.port}${spec.path}`);
