import type { SteeringSpec, TtlSpec } from "../model/domain.ts";

/** What annotations say of steering and TTL, in the words that users have for it. Undefined: it is malformed, and has to be of the form. */

const POLICIES: ReadonlyMap<string, SteeringSpec["policy"]> = new Map([
  ["singlebest", "single-best"],
  ["excludeoverloaded", "round-robin"],
  ["leastloaded", "least-loaded"],
]);
export const DEFAULT_POLICY = "round-robin";
export const POLICY_FORM = "excludeoverloaded, leastloaded or singlebest";
export const parsePolicy = (text: string): SteeringSpec["policy"] | undefined => POLICIES.get(text.toLowerCase());

export const DEFAULT_THRESHOLD: SteeringSpec["threshold"] = { kind: "average-relative", factor: 1.5 };
export const THRESHOLD_FORM = "a factor of the average above 0, such as 1.5, or absolute:VALUE, such as absolute:0.8";
export function parseThreshold(text: string): SteeringSpec["threshold"] | undefined {
  const [, absolute, digits] = /^(absolute:)?([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/i.exec(text.trim()) ?? [];
  const value = Number(digits ?? NaN);
  if (!Number.isFinite(value)) return undefined;
  if (absolute !== undefined) return { kind: "absolute", value };
  return value > 0 ? { kind: "average-relative", factor: value } : undefined;
}

const MAX_TTL = 0x7fffffff;
export const TTL_FORM = "whole seconds, auto, or query:PROMQL";
export function parseTtlSpec(text: string): TtlSpec | undefined {
  if (text.toLowerCase() === "auto") return { kind: "auto" };
  const query = /^query:(.*)$/s.exec(text)?.[1]?.trim();
  if (query) return { kind: "query", query };
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_TTL ? { kind: "fixed", seconds: Number(text) } : undefined;
}
