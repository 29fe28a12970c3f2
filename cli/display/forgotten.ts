import type { Lost } from "../status/kubernetes.ts";

export interface Forgotten {
  /** Of the host. */
  name: string;
  /** How many resources the state is without. */
  removed: number;
  lost: Lost;
  /** Path of the inventory that still has the host. */
  inventory: string;
  /** The command that updates the stack. */
  up: string;
  /** The same with fewer nodes, where that leaves this one out. */
  fewer: string | undefined;
}

/** What `./peak forget` did, what it left, and what to do next. */
export function forgottenText({ name, removed, lost, inventory, up, fewer }: Forgotten): string {
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  return [
    `forget: ${name} is out of the cluster, with ${count(lost.pods.length, "pod")}; the state is without the ${count(removed, "resource")} that had to reach it`,
    ...(lost.volumes.length > 0 ? [`  lost with it: the only copy of the volumes ${lost.volumes.join(", ")}`] : []),
    `  left on it: all that was set up there. If it comes back, it joins again: keep it off, or give it a new disk`,
    `  next: take it out of ${inventory}${fewer === undefined ? "" : ", or leave it out by a number"}, and run \`${fewer ?? up}\`, which removes what is left of it`,
    `  elsewhere; as long as ${inventory} has it, \`${up}\` makes it anew`,
  ].join("\n");
}
