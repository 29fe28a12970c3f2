import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { accepted, generationName, nextStep, parseKeyring, renderKeyring, rotatable, type Generations } from "./generations.ts";

test("the first generation has the plain name", () => {
  expect([1, 2, 10].map((generation) => generationName("ca", generation))).toEqual(["ca", "ca-2", "ca-10"]);
});

test("a rotation trusts, uses and forgets, and ends where the next one begins", () => {
  const seen: [string, Generations][] = [];
  let now: Generations = [1];
  for (let index = 0; index < 4; index++) {
    const { does, to } = nextStep(now);
    seen.push([does, to]);
    now = to;
  }
  expect(seen).toEqual([["trust", [1, 2]], ["use", [2, 1]], ["forget", [2]], ["trust", [2, 3]]]);
});

test("in no step is something used that was not accepted before, or forgotten while it was used", () => {
  let now: Generations = [1];
  for (let index = 0; index < 30; index++) {
    const { to } = nextStep(now);
    if (to[0] !== now[0]) expect(accepted(now)).toContain(to[0]);
    expect(accepted(to)).toContain(now[0]);
    now = to;
  }
});

describe("the configuration", () => {
  test("what it does not name is at its first generation", () => {
    expect(parseKeyring("")).toEqual(Object.fromEntries(rotatable.map((name) => [name, [1]])));
    expect(parseKeyring(" kubernetes=1,2  dns=3 ")).toMatchObject({ kubernetes: [1, 2], dns: [3], etcd: [1] });
  });

  test("is written as it is read", () => {
    const generations = fc.oneof(
      fc.integer({ min: 1, max: 99 }).map((used): Generations => [used]),
      fc.integer({ min: 1, max: 99 }).chain((used) => fc.constantFrom<Generations>([used, used + 1], [used + 1, used])),
    );
    fc.assert(fc.property(fc.record(Object.fromEntries(rotatable.map((name) => [name, generations]))), (ring) => {
      expect(parseKeyring(renderKeyring(ring as ReturnType<typeof parseKeyring>))).toEqual(ring);
    }));
  });

  test.each(["kubernetes", "kubernetes=0", "kubernetes=1,1", "kubernetes=1,3", "etcd=1,2,3", "ETCD=1", "colour=1"])("%s is refused", (text) =>
    expect(() => parseKeyring(text)).toThrow(text));
});
