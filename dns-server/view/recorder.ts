import { isSubdomain, type Name } from "../wire/name.ts";
import type { SearchedZone } from "../zone/lookup.ts";
import type { OwnedRRset, ZoneNode } from "../zone/node.ts";

/** Notes what of a zone the answers for a name are made of, beyond the name itself, what is above it and what is below it. */
export class Recorder implements SearchedZone {
  private readonly names = new Map<Name, Set<Name>>();
  /** Names with an absence in one of their answers: they depend on the SOA. */
  readonly absences = new Set<Name>();
  readonly nodes = { get: (name: Name): ZoneNode | undefined => this.get(name) };
  private zone: SearchedZone;
  private name: Name;
  private last: Name;

  constructor(zone: SearchedZone) {
    this.zone = zone;
    this.name = this.last = zone.origin;
  }

  get origin(): Name {
    return this.zone.origin;
  }

  get negativeSoa(): OwnedRRset {
    this.absences.add(this.name);
    return this.zone.negativeSoa;
  }

  setZone(zone: SearchedZone): void {
    this.zone = zone;
  }

  /** The answers of another name begin. */
  begin(name: Name): void {
    this.note();
    this.name = this.last = name;
  }

  /** Names, there or not, with the names whose answers depend on them. */
  dependents(): ReadonlyMap<Name, ReadonlySet<Name>> {
    this.note();
    return this.names;
  }

  private get(name: Name): ZoneNode | undefined {
    // a search goes down from name to name: only its end is what was looked for
    if (!isSubdomain(name, this.last)) this.note();
    this.last = name;
    return this.zone.nodes.get(name);
  }

  private note(): void {
    if (isSubdomain(this.last, this.name)) return;
    const names = this.names.get(this.last);
    if (names) names.add(this.name);
    else this.names.set(this.last, new Set([this.name]));
  }
}
