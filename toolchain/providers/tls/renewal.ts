import type { Properties } from "../shared/properties.ts";

const hour = 3_600_000;

/**
 * Whether a certificate is to be made anew: it ends within `earlyRenewalHours`, those that are asked for now, from now. Pure.
 *
 * @param state what was made; whatever has no end is never due
 */
export function isDue(state: Properties, { earlyRenewalHours }: Properties, now: Date): boolean {
  const end = state["validityEndTime"];
  if (typeof end !== "string") return false;
  const early = typeof earlyRenewalHours === "number" ? earlyRenewalHours : 0;
  return Date.parse(end) - early * hour <= now.getTime();
}
