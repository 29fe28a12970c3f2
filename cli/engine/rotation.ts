import { nextStep, parseKeyring, type Generations, type Rotatable, type Step } from "../../components/pki/generations.ts";

/** What a kind of key is, and what has to pass before a step. */
export interface RotationOf {
  /** In words, for the user. */
  what: string;
  /** Seconds that must have passed since the step before. */
  settle: Partial<Record<Step["does"], { seconds: number; because: string }>>;
}

const minute = 60;

/** What `./peak rotate` takes. */
export const rotations: Readonly<Record<Rotatable, RotationOf>> = {
  kubernetes: {
    what: "the cluster's authority, and the certificates of all that talk to the API server",
    // The kubelet looks after what it has mounted each minute, and a little later each time.
    settle: { use: { seconds: 2.5 * minute, because: "pods are given the new authority by then" } },
  },
  etcd: { what: "the authority of the cluster's store, and its certificates", settle: {} },
  registry: { what: "the authority and the password of the image registry", settle: {} },
  tokens: {
    what: "the key that signs the tokens of service accounts",
    settle: { forget: { seconds: 65 * minute, because: "pods use tokens of the earlier key for up to an hour" } },
  },
  dns: { what: "the keys that sign updates and transfers of zones", settle: {} },
  ssh: { what: "the key that logs in to the hosts, and the keys by which these are known", settle: {} },
};

/** What is to be done next: bring the configuration that is there to its end, take a further step, or nothing. */
export type Move = { kind: "finish"; at: Generations } | { kind: "step"; step: Step } | { kind: "done" };

/**
 * The next move of a rotation. Pure.
 * @param wanted what the configuration says
 * @param applied what the last update that came to its end has brought about
 * @param begun whether this run has done something already
 */
export function nextMove(wanted: Generations, applied: Generations, begun: boolean): Move {
  if (`${wanted}` !== `${applied}`) return { kind: "finish", at: wanted };
  return begun && wanted.length === 1 ? { kind: "done" } : { kind: "step", step: nextStep(wanted) };
}

/** What a step does, in words. Pure. */
export function stepText({ does, to }: Step): string {
  const [used, other] = to;
  if (does === "trust") return `1 of 3: generation ${other} is made, and trusted beside ${used}`;
  if (does === "use") return `2 of 3: generation ${used} is used; ${other} is still trusted`;
  return `3 of 3: only generation ${used} is trusted; the one before is gone`;
}

/** An entry of the stack's history. One that was killed has none. */
export interface PastUpdate {
  kind: string;
  result: string;
  endTime: string;
  /** `peak:keys` at that time. */
  keys: string;
  /** Whether it was for a part of the stack only. */
  partial: boolean;
}

/** What the stack has come to. */
export interface Applied {
  generations: Generations;
  since: Date;
}

/**
 * The generations that the last update of the whole stack has brought about that came to its end, and since when: the end of the earliest
 * update that has had them without a break. Pure.
 * @param history the newest first; what was before the stack was destroyed is of other keys
 * @returns undefined when no update has come to its end
 */
export function appliedOf(history: readonly PastUpdate[], what: Rotatable): Applied | undefined {
  let applied: Applied | undefined;
  const destroyed = history.findIndex(({ kind }) => kind === "destroy");
  const since = destroyed < 0 ? history : history.slice(0, destroyed);
  const whole = since.filter(({ kind, result, partial }) => kind === "update" && result === "succeeded" && !partial);
  for (const { endTime, keys } of whole) {
    const generations = parseKeyring(keys)[what];
    if (applied !== undefined && `${generations}` !== `${applied.generations}`) break;
    applied = { generations, since: new Date(endTime) };
  }
  return applied;
}
