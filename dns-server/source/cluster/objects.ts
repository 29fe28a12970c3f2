import type { KubeConfig } from "@kubernetes/client-node";
import type { Inventory } from "../../domains/inventory.ts";
import { watchCluster, type ClusterWatch } from "../../kubernetes/cluster.ts";
import type { FactsByKind, Kind } from "../../kubernetes/facts.ts";

export interface ObjectListener {
  /** Objects have changed in a way that something may come of. @param at when that was, milliseconds since the epoch */
  changed(at: number): void;
  /** The lists of all kinds are complete: what was told is all there is. */
  listed(): void;
}

/** The first stage: has the inventory hold the objects of the cluster as they are now. */
export function followObjects(kubeConfig: KubeConfig, inventory: Inventory, listener: ObjectListener): ClusterWatch {
  return watchCluster(kubeConfig, {
    set: (kind, key, facts) => {
      const at = changeTime(kind, inventory, key, facts);
      if (inventory.set(kind, key, facts)) listener.changed(at);
    },
    listed: (all) => {
      if (all) listener.listed();
    },
  });
}

/** When what an object tells came to be: as the object says where it says so, else now. Milliseconds since the epoch. */
function changeTime<K extends Kind>(kind: K, inventory: Inventory, key: string, facts: FactsByKind[K] | undefined): number {
  const now = Date.now();
  const slash = key.indexOf("/");
  const old = inventory.get(kind, key.slice(0, slash), key.slice(slash + 1));
  const told =
    facts && "readySince" in facts && old && "readySince" in old && facts.readySince !== old.readySince
      ? facts.readySince
      : facts && "triggered" in facts && old && "triggered" in old && facts.triggered !== old.triggered
        ? facts.triggered
        : undefined;
  // the API tells whole seconds: what is less than one ago may be now
  return told !== undefined && told < now - 1000 ? told : now;
}
