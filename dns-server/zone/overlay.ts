import type { Name } from "../wire/name.ts";
import type { ZoneNode } from "./node.ts";

type Nodes = ReadonlyMap<Name, ZoneNode>;

/** Nodes of a zone as they differ from those of an earlier version, which is shared and stays as it is. */
export class NodeOverlay implements Nodes {
  readonly base: Nodes;
  /** undefined: the name is gone. */
  private readonly changes: Map<Name, ZoneNode | undefined>;
  private count: number;

  /** Starts as a copy of `nodes`. */
  constructor(nodes: Nodes) {
    this.base = nodes instanceof NodeOverlay ? nodes.base : nodes;
    this.changes = new Map(nodes instanceof NodeOverlay ? nodes.changes : []);
    this.count = nodes.size;
  }

  /** To be called only before others see the map. */
  set(name: Name, node: ZoneNode | undefined): void {
    this.count += (node ? 1 : 0) - (this.has(name) ? 1 : 0);
    this.changes.set(name, node);
  }

  /** The nodes in a form that is cheap to change again: as they are while few differ, else copied into a map of their own. */
  settle(): Nodes {
    return this.changes.size > 64 && this.changes.size ** 2 > this.base.size ? new Map(this) : this;
  }

  changedNames(): Iterable<Name> {
    return this.changes.keys();
  }

  get size(): number {
    return this.count;
  }

  get(name: Name): ZoneNode | undefined {
    return this.changes.has(name) ? this.changes.get(name) : this.base.get(name);
  }

  has(name: Name): boolean {
    return this.get(name) !== undefined;
  }

  *entries(): MapIterator<[Name, ZoneNode]> {
    for (const entry of this.base) if (!this.changes.has(entry[0])) yield entry;
    for (const [name, node] of this.changes) if (node) yield [name, node];
  }

  *keys(): MapIterator<Name> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): MapIterator<ZoneNode> {
    for (const [, node] of this.entries()) yield node;
  }

  [Symbol.iterator](): MapIterator<[Name, ZoneNode]> {
    return this.entries();
  }

  forEach(visit: (node: ZoneNode, name: Name, nodes: Nodes) => void): void {
    for (const [name, node] of this.entries()) visit(node, name, this);
  }
}
