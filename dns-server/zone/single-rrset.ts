import type { RRset } from "./node.ts";

/** The RRsets of a name that has one, by type, as most names have: in a tenth of the memory of a Map. */
export class SingleRrset implements ReadonlyMap<number, RRset> {
  private readonly rrset: RRset;

  constructor(rrset: RRset) {
    this.rrset = rrset;
  }

  get size(): number {
    return 1;
  }

  get(type: number): RRset | undefined {
    return type === this.rrset.type ? this.rrset : undefined;
  }

  has(type: number): boolean {
    return type === this.rrset.type;
  }

  *entries(): MapIterator<[number, RRset]> {
    yield [this.rrset.type, this.rrset];
  }

  *keys(): MapIterator<number> {
    yield this.rrset.type;
  }

  *values(): MapIterator<RRset> {
    yield this.rrset;
  }

  [Symbol.iterator](): MapIterator<[number, RRset]> {
    return this.entries();
  }

  forEach(visit: (rrset: RRset, type: number, map: ReadonlyMap<number, RRset>) => void): void {
    visit(this.rrset, this.rrset.type, this);
  }
}
