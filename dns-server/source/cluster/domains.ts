import type { Changes, Inventory } from "../../domains/inventory.ts";
import type { Domain } from "../../model/domain.ts";
import { parentName, ROOT, wildcardOf, type Name } from "../../wire/name.ts";

/** The second stage: the domains that the objects of the cluster come to. */
export class Domains {
  private readonly inventory: Inventory;
  private readonly byName = new Map<Name, Domain>();

  constructor(inventory: Inventory) {
    this.inventory = inventory;
  }

  /** Brings them up to date. @returns what is different, and what is to be told of it */
  update(): Changes {
    const changes = this.inventory.flush();
    for (const [name, domain] of changes.domains) {
      if (domain) this.byName.set(name, domain);
      else this.byName.delete(name);
    }
    return changes;
  }

  get size(): number {
    return this.byName.size;
  }

  get(name: Name): Domain | undefined {
    return this.byName.get(name);
  }

  /** The domain that a name is answered by: its own, the one of the same name's parents that it is in, or a wildcard. */
  find(name: Name): Domain | undefined {
    for (let at = name; ; at = parentName(at)) {
      const domain = this.byName.get(at) ?? (at === name ? undefined : this.byName.get(wildcardOf(at)));
      if (domain || at === ROOT) return domain;
    }
  }
}
