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
  return [
    `forget: ${name} is out of the cluster, with ${count(lost.pods.length, "pod")}; ${withoutText(removed)}`,
    ...(lost.volumes.length > 0 ? [`  lost with it: the only copy of the volumes ${lost.volumes.join(", ")}`] : []),
    `  left on it: all that was set up there. If it comes back, it joins again: keep it off, or give it a new disk`,
    `  next: take it out of ${inventory}${fewer === undefined ? "" : ", or leave it out by a number"}, and run \`${fewer ?? up}\`, which removes`,
    `  what is left of it elsewhere; as long as ${inventory} has it, \`${up}\` makes it anew`,
  ].join("\n");
}

/** The same of a client, which is in no cluster. */
export function forgottenClientText({ name, removed, inventory, up }: Omit<Forgotten, "lost" | "fewer">): string {
  return [
    `forget: ${name} is out of the stack; ${withoutText(removed)}`,
    `  left on it: its resolver and routes`,
    `  next: take it out of ${inventory}, and run \`${up}\`; as long as ${inventory} has it, \`${up}\` makes it anew`,
  ].join("\n");
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;

const withoutText = (removed: number) => `the state is without the ${count(removed, "resource")} that had to reach it`;
