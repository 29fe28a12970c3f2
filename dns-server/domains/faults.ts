import type { Claim } from "../kubernetes/claim.ts";
import { faultId } from "../kubernetes/fault.ts";
import type { Fault } from "../model/domain.ts";
import { showName } from "../model/names.ts";
import type { Name } from "../wire/name.ts";
import { precedes } from "./order.ts";

/** What is said of claims that do not hold. */

const taken = ({ owner }: Claim, message: string): Fault => ({ object: owner, reason: "DomainTaken", message });

const permission = (claim: Claim, owner: string): string => `have the Namespace ${owner} annotated with dns.peak/allow-below: ${claim.namespace}`;

/** The origin is another namespace's. */
export const takenBy = (claim: Claim, holder: Claim): Fault =>
  taken(
    claim,
    `${showName(claim.origin)} belongs to the namespace ${holder.namespace} (${holder.owner.kind} ${holder.owner.name}), which asked ` +
      `first; choose another name, or ${claim.name === claim.origin ? "remove it there" : permission(claim, holder.namespace)}`,
  );

/** The name above is another namespace's. */
export const takenAbove = (claim: Claim, above: Name, holder: string): Fault =>
  taken(
    claim,
    `${showName(claim.name)} is below ${showName(above)}, which belongs to the namespace ${holder}; choose another name, or ` +
      permission(claim, holder),
  );

/** Other claims of the same name hold, and this one does not go with them. */
export function excluded(claim: Claim, held: readonly Claim[]): Fault {
  const holder = held.reduce((best, other) => (precedes(other, best) ? other : best));
  const { kind, name, namespace } = holder.owner;
  const why = holder.isPartial === claim.isPartial ? "is older" : "asks for all of it";
  const areIngresses = kind === "Ingress" && claim.owner.kind === "Ingress";
  const isAlias = holder.alias !== undefined || claim.alias !== undefined;
  const rule = areIngresses
    ? "DNS knows no paths, so that a host has one backend: give each path a host of its own, and use DNS-01 for certificates"
    : isAlias
      ? "beside an alias nothing else can be (RFC 1034 section 3.6.2): choose another name"
      : namespace === claim.namespace
        ? "an Ingress has its host for itself: choose another name"
        : "a name belongs to one namespace: choose another name";
  return taken(claim, `${showName(claim.name)} is what ${kind} ${namespace}/${name} makes it, which ${why}; ${rule}`);
}

/** The name of an alias is a domain of its own. */
export const overruled = (claim: Claim): Fault =>
  taken(claim, `${showName(claim.name)} cannot lead to another name: pods or Services have the same name as their domain; choose another name`);

/** What is wrong now. Faults that several objects have in common are told once. */
export class FaultCounts {
  private readonly counts = new Map<string, number>();
  private readonly byId = new Map<string, Fault>();
  private news = new Map<string, Fault>();

  /** By identity. */
  get current(): ReadonlyMap<string, Fault> {
    return this.byId;
  }

  /** Counts some faults in place of those that were counted before. */
  replace(old: readonly Fault[], fresh: readonly Fault[]): void {
    for (const fault of fresh) {
      const id = faultId(fault);
      const count = this.counts.get(id) ?? 0;
      this.counts.set(id, count + 1);
      if (count > 0) continue;
      this.byId.set(id, fault);
      this.news.set(id, fault);
    }
    for (const fault of old) {
      const id = faultId(fault);
      const count = this.counts.get(id)! - 1;
      if (count > 0) this.counts.set(id, count);
      else for (const known of [this.counts, this.byId, this.news]) known.delete(id);
    }
  }

  /** Those that there were not when it was asked last. */
  takeNews(): Fault[] {
    const news = [...this.news.values()];
    this.news = new Map();
    return news;
  }
}
