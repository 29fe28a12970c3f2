import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { Target } from "../model/domain.ts";
import { eventually } from "../testing/client.ts";
import { testDomain, testTarget } from "../testing/domain.ts";
import { FakePrometheus } from "../testing/fake-prometheus.ts";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { explainDomain, renderExplanation, type Explanation } from "./explanation.ts";
import { Selector, type SelectorSettings } from "./selector.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Nothing listens there. */
const DEAD = { ipv6: parseIpv6("::1"), probe: { kind: "tcp", port: 1 } } as const;
const settings: SelectorSettings = { probe: { intervalMs: 20 }, readmissionMargin: 0.1, maxHeld: 0.5, ttl: 5, ttlRange: [1, 60] };

function start(more: Partial<SelectorSettings> = {}): Selector {
  const selector = new Selector({ ...settings, ...more }, { changed: () => {}, fault: () => {}, silent: () => {} });
  cleanups.push(() => selector.stop());
  return selector;
}
const alive = (name: string, last: number): Target => testTarget(name, { ipv6: parseIpv6(`fd00::${last}`) });

describe("a choice", () => {
  test("says of each target why it is in or out", () => {
    const targets = [
      alive("a", 1),
      testTarget("b", { ipv4: parseIpv4("192.0.2.1"), state: "not ready" }),
      testTarget("c", { state: "terminating" }),
      testTarget("d", { state: "node lost" }),
      testTarget("e"),
    ];
    const { chosen, verdicts, ttl } = start().select(testDomain({ targets }));
    expect(chosen.map(({ name }) => name)).toEqual(["a"]);
    expect([...verdicts.values()].map(({ verdict }) => verdict)).toEqual(["in", "not ready", "terminating", "node lost", "no address"]);
    expect(ttl).toEqual({ seconds: 5, how: "default" });
  });

  test("keeps what fails its probe while that is most of what is probed", async () => {
    const selector = start();
    const domain = testDomain({ targets: [alive("a", 1), testTarget("b", DEAD)] });
    selector.select(domain);
    await eventually(
      () => selector.prober.report(domain.targets[1]!)?.failures ?? 0,
      (failures) => failures >= 2,
    );
    expect(selector.prober.counts().frozen).toBe(true);
    expect(selector.select(domain).chosen.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  describe("when Kubernetes has lost nodes", () => {
    const lost = (target: Target): Target => ({ ...target, state: "node lost" });
    const names = (targets: readonly Target[]): string[] => targets.map(({ name }) => name);
    const targets = [alive("a", 1), alive("b", 2), testTarget("c", { ipv6: parseIpv6("fd00::3"), state: "not ready" })];

    test("goes by its own evidence: who answers is in", () => {
      const selector = start();
      selector.prober.answers = ({ name }) => name !== "a";
      const { chosen, verdicts } = selector.select(testDomain({ targets: [lost(targets[0]!), lost(targets[1]!), targets[2]!] }));
      expect(names(chosen)).toEqual(["b"]);
      expect([...verdicts.values()].map(({ verdict }) => verdict)).toEqual(["node lost", "in", "not ready"]);
    });

    test("goes on with what was given, rather than with nothing", () => {
      const selector = start();
      expect(names(selector.select(testDomain({ targets })).chosen)).toEqual(["a", "b"]);
      const all = targets.map((target) => (target.state === "ready" ? lost(target) : target));
      const late = { ...lost(alive("d", 4)), state: "node lost" as const };
      const now = testDomain({ targets: [...all, late] });
      for (let i = 0; i < 2; i++) expect(names(selector.select(now).chosen)).toEqual(["a", "b"]);
      // also after the configuration was read again
      const next = new Selector(settings, { changed: () => {}, fault: () => {}, silent: () => {} }, selector);
      cleanups.push(() => next.stop());
      expect(names(next.select(now).chosen)).toEqual(["a", "b"]);
      // one that is ready is enough
      expect(names(selector.select(testDomain({ targets: [...all, alive("e", 5)] })).chosen)).toEqual(["e"]);
    });
  });

  test("never leaves a domain empty for its probes alone", () => {
    const states = fc.constantFrom<Target["state"]>("ready", "not ready", "terminating", "node lost");
    fc.assert(
      fc.property(fc.array(fc.record({ state: states, address: fc.boolean(), dead: fc.boolean() }), { maxLength: 6 }), (each) => {
        const selector = new Selector(settings, { changed: () => {}, fault: () => {}, silent: () => {} });
        const dead = new Set<string>();
        selector.prober.failed = ({ key }) => dead.has(key);
        const targets = each.map(({ state, address, dead: isDead }, i) => {
          const target = testTarget(`p${i}`, { state, ...(address ? { ipv6: parseIpv6(`fd00::${i}`) } : {}) });
          if (isDead) dead.add(target.key);
          return target;
        });
        const { chosen } = selector.select(testDomain({ targets }));
        selector.stop();
        expect(chosen.length > 0).toBe(each.some(({ state, address }) => state === "ready" && address));
        if (each.some(({ state, address, dead: isDead }) => state === "ready" && address && !isDead))
          expect(chosen.some(({ key }) => dead.has(key))).toBe(false);
      }),
    );
  });
});

describe("an explanation", () => {
  const view = { version: 7, age: 3 };

  test("tells what steering decided by", async () => {
    const prometheus = new FakePrometheus(() => [
      [{ pod: "a" }, "1"],
      [{ pod: "b" }, "9"],
    ]);
    await prometheus.start();
    cleanups.push(() => prometheus.stop());
    const steering = { prometheus: { url: prometheus.url, interval: 0.02, timeout: 1, parallel: 4, domainsPerNamespace: 100, queriesPerRound: 2000 } };
    const selector = start(steering);
    const domain = testDomain({
      targets: [alive("a", 1), alive("b", 2)],
      steering: { policy: "round-robin", query: 'x{pod=~"%pods%"}', threshold: { kind: "average-relative", factor: 1.5 } },
    });
    await eventually(
      () => selector.select(domain).chosen.length,
      (count) => count === 1,
    );
    const explained = explainDomain(domain, selector, view, { ...settings, ...steering });
    expect(explained).toMatchObject({
      name: "web.peak.",
      ttl: { seconds: 5, how: "default" },
      steering: {
        policy: "round-robin",
        threshold: { value: 7.5, readmission: 6.75 },
        query: { sent: 'x{pod=~"^(?:a|b)$"}', broken: false },
      },
      targets: [
        { target: "shop/a", verdict: "in", load: 1, addresses: ["fd00::1"] },
        { target: "shop/b", verdict: "overloaded", before: "in", load: 9 },
      ],
    });
    expect(explained.steering!.query.age).toBeLessThan(60);
    await prometheus.stop();
    await eventually(
      () => selector.steering.lostSince(),
      (lost) => lost !== undefined,
    );
    expect(renderExplanation(explainDomain(domain, selector, view, { ...settings, ...steering }))).toMatch(
      /FROZEN for \d+ s: .*ECONNREFUSED/,
    );
  });

  test("is a table on a terminal", () => {
    const explained: Explanation = {
      name: "web.peak.",
      namespace: "shop",
      view: { version: 7, age: 3, frozen: 200, error: "connect ECONNREFUSED" },
      ttl: { seconds: 2, how: "auto: time to the next possible change" },
      steering: {
        policy: "round-robin",
        threshold: { value: 7.5, readmission: 6.75, how: "1.5 x 5, the average of 2" },
        query: { template: "x", sent: "x", age: 2, broken: false, warnings: ["partial"] },
      },
      prometheus: { url: "http://p:9090", lost: { seconds: 12, message: "no answer within 2 s" } },
      probesFrozen: true,
      targets: [
        {
          target: "shop/a",
          addresses: ["fd00::a", "192.0.2.1"],
          node: "pi2",
          state: "ready",
          verdict: "in",
          age: 700,
          load: 1.25,
          probe: { probe: "tcp:80", last: "ok", age: 0.3, failures: 0, out: false },
        },
        {
          target: "shop/b",
          addresses: ["fd00::b"],
          state: "ready",
          verdict: "probe failed",
          before: "in",
          age: 4,
          probe: { probe: "tcp:80", last: "refused", age: 0.3, failures: 4, out: true },
        },
      ],
    };
    expect(renderExplanation(explained)).toMatchInlineSnapshot(`
      "name        web.peak. (namespace shop)
      answer      1 of 2 targets
      TTL         2 s (auto: time to the next possible change)
      view        version 7, 3 s old
                  FROZEN for 3 min: the Kubernetes API is away: connect ECONNREFUSED
      probes      FROZEN: more than half of all targets fail at once, so the fault may be ours
      policy      round-robin
      threshold   7.5 (1.5 x 5, the average of 2); back in at 6.75 or less
      query       x
                  answered 2 s ago
                  warning: partial
      Prometheus  http://p:9090: FROZEN for 12 s: no answer within 2 s

      TARGET  VERDICT       FOR           LOAD  PROBE              KUBERNETES  NODE  ADDRESSES
      shop/a  in            12 min        1.25  tcp:80 ok          ready       pi2   fd00::a 192.0.2.1
      shop/b  probe failed  4 s (was in)  -     tcp:80 refused x4  ready       -     fd00::b
      "
    `);
  });
});
