import { loadsByLabel } from "../steering/loads.ts";
import { NOTHING_KNOWN, type Policy, type PolicySettings, type Round } from "../steering/policy.ts";
import type { Sample } from "../steering/prometheus.ts";
import { testTarget } from "../testing/domain.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenarios.ts";
import { KINDS, Resolver, resolvers } from "./traffic.ts";

/** What a run showed. */
export interface Outcome {
  /** The busiest pod's load over the fair one: on average, and what it is above in one second of a hundred. */
  readonly typical: number;
  readonly peak: number;
  /** Pods in the smallest choice. */
  readonly fewest: number;
  /** Times a minute that other pods are given. */
  readonly changes: number;
  /** Seconds until an overloaded pod has half of the sessions that it had, of a scenario with one; Infinity: not while it was overloaded. */
  readonly relief: number | undefined;
  /** The busiest pod's load over the fair one, second by second. */
  readonly course: readonly number[];
}

const DURATION = 700;
const WARM_UP = 60;
/** By the server's defaults: seconds between rounds, TTL, addresses in an answer. */
const INTERVAL = 5;
const TTL = 5;
const ANSWERS = 8;
const RESOLVERS = 40;
/** Mean length of a session. */
const SESSION = 15;
/** From a pod's end to that its probes have taken it out, and the same for its return. */
const PROBED = 3;

/**
 * Runs a policy in a closed loop: answers -> caches of resolvers -> sessions -> loads -> scrapes -> the policy -> answers.
 * @param policy undefined: all pods that are well are given
 */
export function simulate(scenario: Scenario, policy: Policy | undefined, settings: PolicySettings, seed: number): Outcome {
  const random = new Random(seed);
  const { pods, mean, noise, scrape, mute = Infinity, overload } = scenario;
  const { speed = () => 1, background = () => 0, down = () => false } = scenario;
  const indices = Array.from({ length: pods }, (_, i) => i);
  const targets = indices.map((i) => testTarget(`pod-${i}`));
  const capacity = indices.reduce((sum, i) => sum + speed(i), 0);
  const perSecond = (mean * capacity) / SESSION;
  const askers = resolvers(RESOLVERS, scenario.even ? [KINDS.obedient] : Object.values(KINDS), scenario.large, random).map(
    (spec, i) => new Resolver(spec, random.next() * 2 * TTL, new Random(1000 * seed + i)),
  );
  const phases = indices.map(() => Math.floor(random.next() * scrape));
  const active = indices.map((i) => mean * speed(i));
  const scraped: (number | undefined)[] = indices.map(() => undefined);
  let round: Round = NOTHING_KNOWN;
  let given = indices;
  let changes = 0;
  let fewest = pods;
  const course: number[] = [];
  let relief: number | undefined = overload && Infinity;
  let atOverload = 0;

  for (let now = 0; now < DURATION; now++) {
    const isDown = (pod: number): boolean => down(pod, now);
    const loads = indices.map((i) => active[i]! / speed(i) + background(i, now));
    for (const i of indices) {
      if (now % scrape !== phases[i]) continue;
      scraped[i] = isDown(i) || loads[i]! > mute ? undefined : Math.max(0, loads[i]! * (1 + noise * random.normal()));
    }
    const candidates = targets.filter((_, i) => !down(i, Math.max(0, now - PROBED)));
    if (now % INTERVAL === 0 && policy) {
      const samples = indices.flatMap((i): Sample[] => (scraped[i] === undefined ? [] : [{ labels: { pod: `pod-${i}` }, value: scraped[i] }]));
      const known = loadsByLabel(samples, candidates);
      round = policy.next(
        round.memories,
        candidates.map(({ key }) => ({ key, load: known.get(key) })),
        settings,
      );
    }
    const before = given;
    given = indices.filter((i) => candidates.includes(targets[i]!) && !round.held.has(targets[i]!.key));
    if (now >= WARM_UP && given.join() !== before.join()) changes++;
    fewest = Math.min(fewest, given.length);

    for (const i of indices) active[i] = isDown(i) ? 0 : active[i]! * Math.exp(-1 / SESSION);
    // an order of all pods whoever is given, so that policies are compared by the same luck
    const ask = (chance: Random): number[] => chance.order(pods).filter((i) => given.includes(i)).slice(0, ANSWERS);
    const sessions = perSecond * (SESSION * (1 - Math.exp(-1 / SESSION)));
    for (const asker of askers)
      asker.second(now, TTL, sessions, ask, (pod, more) => {
        if (!isDown(pod)) active[pod]! += more;
      });

    const up = indices.filter((i) => !isDown(i));
    const can = up.reduce((sum, i) => sum + speed(i), 0);
    const fair = up.reduce((sum, i) => sum + active[i]! + background(i, now) * speed(i), 0) / can;
    const busiest = Math.max(...up.map((i) => active[i]! / speed(i) + background(i, now)));
    if (now >= WARM_UP) course.push(busiest / fair);
    if (overload && now === overload.from) atOverload = active[overload.pod]!;
    if (overload && relief === Infinity && now > overload.from && now < overload.to && active[overload.pod]! <= atOverload / 2)
      relief = now - overload.from;
  }
  const sorted = course.toSorted((a, b) => a - b);
  return {
    typical: course.reduce((sum, ratio) => sum + ratio / course.length, 0),
    peak: sorted[Math.floor(0.99 * sorted.length)]!,
    fewest,
    changes: (60 * changes) / (DURATION - WARM_UP),
    relief,
    course,
  };
}
