/** What the simulated service and its surroundings are like. Times in seconds; a load of 1 is all that a pod can do. */
export interface Scenario {
  readonly name: string;
  readonly pods: number;
  /** Load of each pod if all sessions were spread in proportion to what pods can do. */
  readonly mean: number;
  /** Deviation of a measured load, as a share of it. */
  readonly noise: number;
  /** Between two scrapes of a pod. */
  readonly scrape: number;
  /** Share of the largest resolver, whose clients all take the first address. */
  readonly large: number;
  /** Whether all resolvers turn the addresses and keep to the TTL, so that pods differ by noise alone. */
  readonly even?: boolean;
  /** What a pod can do, 1 unless it is said. */
  readonly speed?: (pod: number) => number;
  /** What a pod is loaded with by others than its clients. */
  readonly background?: (pod: number, now: number) => number;
  /** Whether a pod is away. */
  readonly down?: (pod: number, now: number) => boolean;
  /** Above this load a pod does not answer its scrape. */
  readonly mute?: number;
  /** When a pod is overloaded that should be relieved: the pod, from when to when. */
  readonly overload?: { readonly pod: number; readonly from: number; readonly to: number };
}

const common = { pods: 8, mean: 0.5, noise: 0.05, scrape: 2, large: 0.03 };
const overload = { pod: 0, from: 200, to: 500 };
const neighbour = (pod: number, now: number): number => (pod === overload.pod && now >= overload.from && now < overload.to ? 0.7 : 0);

export const scenarios: readonly Scenario[] = [
  { ...common, name: "steady" },
  { ...common, name: "nearly full", mean: 0.79 },
  { ...common, name: "nearly full, even", mean: 0.79, even: true },
  { ...common, name: "few pods", pods: 3 },
  { ...common, name: "noisy", noise: 0.25 },
  { ...common, name: "large resolver", large: 0.25 },
  { ...common, name: "slow pods", speed: (pod) => (pod < 2 ? 0.4 : 1) },
  { ...common, name: "busy neighbour", background: neighbour, overload },
  { ...common, name: "mute when busy", background: neighbour, overload, mute: 1.05 },
  { ...common, name: "slow scrapes", background: neighbour, overload, scrape: 15 },
  { ...common, name: "failing pods", down: (pod, now) => now % 200 >= 100 && pod === 1 + (Math.floor(now / 200) % 3) },
];
