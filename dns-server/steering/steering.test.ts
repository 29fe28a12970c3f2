import { afterEach, describe, expect, test } from "vitest";
import type { Domain, SteeringSpec, Target, TtlSpec } from "../model/domain.ts";
import { eventually } from "../testing/client.ts";
import { testDomain, testTarget } from "../testing/domain.ts";
import { FakePrometheus, parseError, type FakeAnswer } from "../testing/fake-prometheus.ts";
import { Steering } from "./steering.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const domain = (query: string | undefined, policy: SteeringSpec["policy"] = "round-robin", ttl?: TtlSpec): Domain =>
  testDomain({ steering: query === undefined ? undefined : { policy, query, threshold: { kind: "average-relative", factor: 1.5 } }, ttl });

const BOUNDS = { domainsPerNamespace: 3, queriesPerRound: 10 };

/** Steering over a fake Prometheus, and what an orchestrator would do with it. */
class Harness {
  readonly prometheus: FakePrometheus;
  readonly faults: string[] = [];
  changes = 0;
  loads: Record<string, string> = {};
  private steering!: Steering;
  private domain: Domain | undefined;
  private candidates: readonly Target[] = [];

  constructor(answer?: (query: string) => FakeAnswer) {
    this.prometheus = new FakePrometheus(answer ?? (() => Object.entries(this.loads).map(([pod, value]) => [{ pod }, value] as const)));
  }

  async start(configured = true): Promise<void> {
    await this.prometheus.start();
    cleanups.push(() => this.prometheus.stop());
    const settings = {
      prometheus: configured ? { url: this.prometheus.url, interval: 0.02, timeout: 0.2, parallel: 4, ...BOUNDS } : undefined,
      clusterName: "c1",
      readmissionMargin: 0.1,
    maxHeld: 0.5,
    };
    this.steering = new Steering(settings, {
      changed: () => void this.changes++,
      fault: (_, message) => this.faults.push(message),
    });
    cleanups.push(() => this.steering.stop());
  }

  set(given: Domain, ...names: string[]): void {
    this.domain = given;
    this.candidates = names.map((name) => testTarget(name));
    this.given();
  }

  /** Names of the targets that are given now. */
  given(): string {
    return this.steering
      .select(this.domain!, this.candidates)
      .chosen.map(({ name }) => name)
      .join();
  }

  get interval(): number | undefined {
    return this.steering.select(this.domain!, this.candidates).interval;
  }

  get ttl(): number | undefined {
    return this.steering.select(this.domain!, this.candidates).ttl;
  }

  get report(): ReturnType<Steering["report"]> {
    return this.steering.report(this.domain!.name);
  }

  get lost(): ReturnType<Steering["lostSince"]> {
    return this.steering.lostSince();
  }

  counts(): ReturnType<Steering["counts"]> {
    return this.steering.counts();
  }

  settles(expected: string): Promise<unknown> {
    return eventually(
      () => this.given(),
      (given) => given === expected,
    );
  }

  async rounds(count: number): Promise<void> {
    const { rounds } = this.counts();
    await eventually(
      () => this.counts().rounds,
      (now) => now >= rounds + count,
      400,
    );
  }
}

async function start(answer?: (query: string) => FakeAnswer): Promise<Harness> {
  const harness = new Harness(answer);
  await harness.start();
  return harness;
}

describe("steering", () => {
  test("leaves out the overloaded, with one request for all pods, and takes them back", async () => {
    const harness = await start();
    harness.loads = { a: "1", b: "1", c: "9" };
    harness.set(domain('x{namespace="%namespace%",pod=~"%pods%"}'), "a", "b", "c");
    expect(harness.given()).toBe("a,b,c");
    await harness.settles("a,b");
    expect(harness.prometheus.queries[0]).toBe('x{namespace="shop",pod=~"^(?:a|b|c)$"}');
    expect(harness.report).toMatchObject({ policy: "round-robin", held: new Set(["shop/c"]), threshold: { value: 5.5 } });
    const changes = harness.changes;
    await harness.rounds(3);
    expect(harness.changes).toBe(changes);
    harness.loads = { a: "1", b: "1", c: "1" };
    await harness.settles("a,b,c");
    expect(harness.changes).toBe(changes + 1);
  });

  test("asks once for each pod where the template names one", async () => {
    const harness = await start((query) => [[{}, query.includes('"b"') ? "9" : "1"]]);
    harness.set(domain('x{pod="%pod-name%",cluster="%cluster-name%"}'), "a", "b", "c");
    await harness.settles("a,c");
    expect([...new Set(harness.prometheus.queries)].sort()).toEqual(["a", "b", "c"].map((pod) => `x{pod="${pod}",cluster="c1"}`));
  });

  test("single-best follows the load, and the next best when the best goes", async () => {
    const harness = await start();
    harness.loads = { a: "3", b: "1", c: "2" };
    harness.set(domain('x{pod=~"%pods%"}', "single-best"), "a", "b", "c");
    await harness.settles("b");
    harness.loads = { a: "3", b: "4", c: "2" };
    await harness.settles("c");
    harness.set(domain('x{pod=~"%pods%"}', "single-best"), "a", "b");
    expect(harness.given()).toBe("a");
  });

  test("tells pods of one name in different namespaces apart, and takes NaN for no load", async () => {
    const harness = await start(() => [
      [{ pod: "a", namespace: "shop" }, "1"],
      [{ pod: "a", namespace: "other" }, "100"],
      [{ pod: "b", namespace: "shop" }, "NaN"],
      [{ pod: "c", namespace: "shop" }, "+Inf"],
      [{ pod: "d", container: "x" }, "1"],
      [{ pod: "d", container: "y" }, "20"],
    ]);
    harness.set(domain("x"), "a", "b", "c", "d");
    await harness.settles("a,b,c");
    expect(harness.report?.loads).toEqual(
      new Map([
        ["shop/a", 1],
        ["shop/d", 20],
      ]),
    );
  });

  test("keeps out a pod that has no sample any more, and counts each round once however often it is asked who is given", async () => {
    const harness = await start();
    harness.loads = { a: "1", b: "1", c: "9" };
    harness.set(domain("x"), "a", "b", "c");
    await harness.settles("a,b");
    harness.loads = { a: "1", b: "1" };
    await eventually(
      () => harness.report?.loads.size,
      (size) => size === 2,
    );
    for (let i = 0; i < 50; i++) expect(harness.given()).toBe("a,b");
    expect(harness.report?.notes.get("shop/c")).toMatch(/^has no load any more, and stays held back until it has one, or for \d+ more rounds$/);
    await harness.settles("a,b,c");
  });

  test("an answer without any load frees nobody at once; its author is told when it lasts, and again when it comes back", async () => {
    const harness = await start();
    harness.loads = { a: "1", b: "1", c: "9" };
    harness.set(domain("x"), "a", "b", "c");
    await harness.settles("a,b");
    const empty = async (): Promise<void> => {
      const told = harness.faults.length;
      harness.loads = {};
      await eventually(
        () => harness.faults.length,
        (count) => count > told,
      );
      expect(harness.faults.slice(told)).toEqual([expect.stringContaining("it succeeds and gives no load of any of the 3 pods")]);
      expect(harness.given()).toBe("a,b");
      expect(harness.counts().emptyAnswers).toBeGreaterThanOrEqual(3);
      harness.loads = { a: "1", b: "1", c: "9" };
      await eventually(
        () => harness.report?.loads.size,
        (size) => size === 3,
      );
      await harness.settles("a,b");
    };
    await empty();
    await empty();
  });

  test("an answer without any load from the start is told when pods have had the time to show some", async () => {
    const harness = await start();
    harness.set(domain("x"), "a", "b");
    await eventually(
      () => harness.faults.length,
      (count) => count > 0,
    );
    expect(harness.counts().emptyAnswers).toBeGreaterThanOrEqual(12);
    expect(harness.given()).toBe("a,b");
  });

  test("what asks for more than a round may have is never asked, and all are given; with fewer pods it is", async () => {
    const harness = await start((query) => [[{}, query.includes('"p0"') ? "9" : "1"]]);
    const pods = Array.from({ length: 11 }, (_, i) => `p${i}`);
    const steered = domain('x{pod="%pod-name%"}');
    harness.set(steered, ...pods);
    await harness.rounds(2);
    expect(harness.prometheus.queries).toEqual([]);
    expect(harness.faults).toEqual([expect.stringContaining("all domains together may ask 10 queries")]);
    expect([harness.given(), harness.interval]).toEqual([pods.join(), undefined]);
    expect(harness.report?.query).toMatchObject({ error: harness.faults[0], broken: false });
    harness.set(steered, ...pods.slice(0, 9));
    await harness.settles(pods.slice(1, 9).join());
    harness.set(steered, ...pods);
    await harness.settles(pods.join());
    expect(harness.faults).toHaveLength(2);
  });

  test("texts that change all the time ask no more than a round may have", async () => {
    const harness = await start();
    await harness.rounds(1).catch(() => undefined);
    const before = harness.counts();
    for (let i = 0; i < 60; i++) {
      harness.set(domain(`x${i}`), "a");
      await new Promise((resolve) => setImmediate(resolve));
    }
    await harness.rounds(1);
    const { requests, rounds } = harness.counts();
    expect(requests - before.requests).toBeLessThanOrEqual(10 * (rounds - before.rounds + 1));
  });

  test("what is no number, a histogram or told twice voids only itself", async () => {
    const sample = (pod: string, value: string | object): object =>
      typeof value === "string" ? { metric: { pod }, value: [1, value] } : { metric: { pod }, histogram: [1, value] };
    const result = [
      ["a", "1"],
      ["b", "NaN"],
      ["b", "2"],
      ["c", "+Inf"],
      ["c", "-Inf"],
      ["d", { count: "1", sum: "2" }],
      ["e", "20"],
      ["e", "20"],
      ["e", "1"],
      ["f", "many"],
      ["g", "1"],
    ].map(([pod, value]) => sample(pod as string, value!));
    const body = JSON.stringify({ status: "success", data: { resultType: "vector", result } });
    const harness = await start(() => ({ status: 200, body }));
    harness.set(domain("x"), "a", "b", "c", "d", "e", "f", "g");
    await harness.settles("a,b,c,d,f,g");
    const loads = { "shop/a": 1, "shop/b": 2, "shop/e": 20, "shop/g": 1 };
    expect(harness.report?.loads).toEqual(new Map(Object.entries(loads)));
    expect(harness.faults).toEqual([]);
  });

  test("keeps the last loads while Prometheus is away: new pods are in, gone ones out", async () => {
    const harness = await start();
    harness.loads = { a: "1", b: "1", c: "9" };
    const steered = domain('x{pod=~"%pods%"}');
    harness.set(steered, "a", "b", "c");
    await harness.settles("a,b");
    await harness.prometheus.stop();
    await eventually(
      () => harness.lost?.reason,
      (reason) => reason === "refused",
    );
    harness.set(steered, "b", "c", "d");
    expect(harness.given()).toBe("b,d");
    expect(harness.report?.query).toMatchObject({ error: expect.stringContaining("ECONNREFUSED"), broken: false });
    expect(harness.faults).toEqual([]);
    harness.loads = { b: "9", c: "1", d: "1" };
    await harness.prometheus.start();
    await harness.settles("c,d");
    expect(harness.lost).toBeUndefined();
  });

  test("keeps the last loads while Prometheus is silent, and a round still ends", async () => {
    const harness = await start();
    harness.loads = { a: "1", b: "1", c: "9" };
    harness.set(domain('x{pod=~"%pods%"}'), "a", "b", "c");
    await harness.settles("a,b");
    harness.prometheus.silent = true;
    await eventually(
      () => harness.lost?.reason,
      (reason) => reason === "timeout",
    );
    expect(harness.given()).toBe("a,b");
    harness.prometheus.silent = false;
    await eventually(
      () => harness.lost,
      (lost) => lost === undefined,
    );
  });

  test("one pod without an answer freezes the whole domain: no half of a round counts", async () => {
    let broken = false;
    let loaded = "b";
    const harness = await start((query) =>
      broken && query.includes('"a"') ? { status: 500, body: "" } : [[{}, query.includes(`"${loaded}"`) ? "9" : "1"]],
    );
    harness.set(domain('x{pod="%pod-name%"}'), "a", "b", "c");
    await harness.settles("a,c");
    broken = true;
    await harness.rounds(2);
    loaded = "c";
    await harness.rounds(2);
    expect(harness.given()).toBe("a,c");
  });
});

describe("bad templates", () => {
  test.each<[string, string, FakeAnswer, string]>([
    ["that PromQL does not parse", "sum(", parseError("1:5: parse error: unclosed"), "parse error: unclosed"],
    ["with an unknown placeholder", 'x{pod="%podname%"}', [], "%podname% in the query is none of"],
  ])("one %s is told once, and leaves the domain unsteered until it changes", async (_, query, answer, message) => {
    const harness = await start((asked) =>
      asked === query
        ? answer
        : [
            [{ pod: "a" }, "1"],
            [{ pod: "b" }, "4"],
          ],
    );
    harness.set(domain(query), "a", "b");
    await eventually(() => harness.report?.query.broken, Boolean);
    await harness.rounds(2);
    const asked = harness.prometheus.queries.length;
    await harness.rounds(2);
    expect(harness.prometheus.queries.length).toBe(asked);
    expect([harness.given(), harness.interval]).toEqual(["a,b", undefined]);
    expect(harness.faults).toEqual([expect.stringContaining(message)]);
    harness.set(domain("x"), "a", "b");
    await harness.settles("a");
    expect(harness.faults).toHaveLength(1);
  });

  test("a result that names no pods is told once; it may be another next time", async () => {
    let labelled = false;
    const harness = await start(() =>
      labelled
        ? [
            [{ pod: "a" }, "9"],
            [{ pod: "b" }, "1"],
          ]
        : [[{}, "9"]],
    );
    harness.set(domain("sum(x)"), "a", "b");
    await harness.rounds(3);
    expect(harness.faults).toEqual([expect.stringContaining("no label pod")]);
    expect(harness.given()).toBe("a,b");
    labelled = true;
    await harness.settles("b");
  });

  test("are checked while the domain has no pods too", async () => {
    const harness = await start(() => parseError("parse error"));
    harness.set(domain('x{pod="%pod-name%"'));
    await eventually(
      () => harness.faults.length,
      (count) => count === 1,
    );
  });

  test("without a Prometheus in the configuration every one is bad", async () => {
    const harness = new Harness();
    await harness.start(false);
    harness.set(domain("x"), "a");
    expect([harness.given(), harness.faults]).toEqual(["a", [expect.stringContaining("no key prometheus")]]);
  });
});

test("a TTL is asked for like loads, and stays while Prometheus is away", async () => {
  let seconds = "12";
  const harness = await start(() => [[{}, seconds]]);
  harness.set(domain(undefined, "round-robin", { kind: "query", query: "min(x)" }), "a");
  expect(harness.ttl).toBeUndefined();
  await eventually(
    () => harness.ttl,
    (ttl) => ttl === 12,
  );
  seconds = "NaN";
  await harness.rounds(2);
  expect(harness.ttl).toBe(12);
  await harness.prometheus.stop();
  await harness.rounds(2);
  expect(harness.ttl).toBe(12);
});
