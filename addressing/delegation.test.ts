import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planAddresses, publishedScope, scopes } from "./delegation.ts";
import { contains, overlaps, parseAddress, parsePrefix } from "./prefix.ts";

const ula = "fd7e:ea4c:0:1::/64";
const global = "2001:db8:7ea:c::/64";
const number = fc.integer({ min: 1, max: 0xfffd });

describe("prefix delegation", () => {
  test("node 2 of a cluster with a provider's prefix", () => {
    expect(planAddresses(ula, global).node(2)).toEqual({
      ula: {
        prefix: "fd7e:ea4c:0:1:2::/80",
        address: "fd7e:ea4c:0:1:2::1",
        rootServer: "fd7e:ea4c:0:1:2::53",
        pods: "fd7e:ea4c:0:1:2:1::/96",
        firstPod: "fd7e:ea4c:0:1:2:1:0:10",
      },
      global: {
        prefix: "2001:db8:7ea:c:2::/80",
        address: "2001:db8:7ea:c:2::1",
        rootServer: "2001:db8:7ea:c:2::53",
        pods: "2001:db8:7ea:c:2:1::/96",
        firstPod: "2001:db8:7ea:c:2:1:0:10",
      },
      nat64: "fd7e:ea4c:0:1:2:64::/96",
    });
  });

  test("the cluster's own addresses", () => {
    expect(planAddresses(ula)).toMatchObject({
      services: "fd7e:ea4c:0:1::/112",
      apiService: "fd7e:ea4c:0:1::1",
      clusterDns: "fd7e:ea4c:0:1::a",
      router: { ula: "fd7e:ea4c:0:1:ffff::1" },
      operator: "fd7e:ea4c:0:1:fffe::1",
    });
  });

  test("without a provider's prefix, the ULA is what DNS publishes", () => {
    const node = planAddresses(ula).node(7);
    expect(scopes(node)).toEqual([node.ula]);
    expect(publishedScope(node)).toBe(node.ula);
  });

  test("with one, the global scope comes first", () => {
    const node = planAddresses(ula, global).node(7);
    expect(scopes(node)).toEqual([node.global, node.ula]);
    expect(publishedScope(node)).toBe(node.global);
  });

  test("nothing that two nodes, or a node and the cluster, were given overlaps", () => {
    const plan = planAddresses(ula, global);
    fc.assert(fc.property(number, number, (a, b) => {
      fc.pre(a !== b);
      const [first, second] = [plan.node(a), plan.node(b)];
      for (const [index, scope] of scopes(first).entries()) {
        expect(overlaps(parsePrefix(scope.prefix), parsePrefix(scopes(second)[index]!.prefix))).toBe(false);
        expect(contains(parsePrefix(scope.prefix), parsePrefix(scope.pods).bits)).toBe(true);
        expect(contains(parsePrefix(scope.pods), parseAddress(scope.firstPod))).toBe(true);
        for (const own of [scope.address, scope.rootServer]) {
          expect(contains(parsePrefix(scope.prefix), parseAddress(own))).toBe(true);
          expect(contains(parsePrefix(scope.pods), parseAddress(own))).toBe(false);
        }
      }
      expect(overlaps(parsePrefix(first.nat64), parsePrefix(first.ula.pods))).toBe(false);
      for (const own of [plan.services, `${plan.router.ula}/128`, `${plan.operator}/128`]) {
        expect(overlaps(parsePrefix(first.ula.prefix), parsePrefix(own))).toBe(false);
      }
    }));
  });

  test.each([0, -1, 1.5, 0xfffe, Number.NaN])("node number %d is refused", (bad) =>
    expect(() => planAddresses(ula).node(bad)).toThrow("a node's number is 1 to 65533"));

  test("a prefix that is no /64 is refused", () => expect(() => planAddresses("fd00::/48")).toThrow('"fd00::/48" must be a /64'));
});
