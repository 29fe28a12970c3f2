/** The keys that can be rotated. */
export const rotatable = ["kubernetes", "etcd", "registry", "tokens", "dns", "ssh"] as const;
export type Rotatable = (typeof rotatable)[number];

/** Numbers of a key's generations: all of them are accepted, the first one is used. */
export type Generations = readonly [used: number, ...accepted: number[]];

/** The generations of each kind of key. */
export type Keyring = Readonly<Record<Rotatable, Generations>>;

/** What a key is before it is ever rotated. */
const firstGeneration: Generations = [1];

/** The name of the resource that holds a generation of the key `name`. Pure. */
export function generationName(name: string, generation: number): string {
  return generation === 1 ? name : `${name}-${generation}`;
}

/** The generations that are accepted, in the same order whichever of them is used: what lists them does not change with that. Pure. */
export function accepted(generations: Generations): number[] {
  return [...generations].sort((a, b) => a - b);
}

/**
 * Parses where keys are in their rotation, such as `kubernetes=1,2 dns=2`; what is not named is at its first generation. Pure.
 * @throws Error naming the place that is wrong
 */
export function parseKeyring(text: string): Keyring {
  const ring: Record<string, Generations> = Object.fromEntries(rotatable.map((name) => [name, firstGeneration]));
  for (const entry of text.split(/\s+/).filter((word) => word !== "")) {
    const [, name = "", numbers = ""] = /^([a-z]+)=([1-9]\d{0,8}(?:,[1-9]\d{0,8})?)$/.exec(entry) ?? [];
    const generations = numbers.split(",").map(Number);
    const next = Math.abs((generations[1] ?? 0) - generations[0]!);
    if (!rotatable.some((known) => known === name)) {
      throw new Error(`"${entry}" must be one of ${rotatable.join(", ")} with its generations, such as kubernetes=1,2`);
    }
    if (generations.length === 2 && next !== 1) throw new Error(`"${entry}" must name two generations that follow each other, such as ${name}=1,2`);
    ring[name] = generations as [number, ...number[]];
  }
  return ring as Keyring;
}

/** The text that `parseKeyring` reads, without what is at its first generation. Pure. */
export function renderKeyring(ring: Keyring): string {
  return rotatable.flatMap((name) => (`${ring[name]}` === "1" ? [] : [`${name}=${ring[name].join(",")}`])).join(" ");
}

/** A step of a rotation. */
export interface Step {
  /** What it does to the key. */
  does: "trust" | "use" | "forget";
  /** The generations after it. */
  to: Generations;
}

/** The step that comes next: the following generation is trusted, then used, then the earlier one is forgotten. Pure. */
export function nextStep([used, other]: Generations): Step {
  if (other === undefined) return { does: "trust", to: [used, used + 1] };
  return other > used ? { does: "use", to: [other, used] } : { does: "forget", to: [used] };
}
