import { expect, test } from "vitest";
import { parseAddress } from "../wire/address.ts";
import { ConnectionLimits } from "./connections.ts";

test("so many of each source; a place that is given back can be taken again", () => {
  const limits = new ConnectionLimits({ total: 4, perSource: 2 });
  const enter = (address: string): (() => void) | undefined => limits.enter(parseAddress(address), () => {});
  const first = enter("2001:db8:0:1::1");
  expect([first, enter("2001:db8:0:2::1"), enter("2001:db8:0:3::1")].map((leave) => leave !== undefined)).toEqual([true, true, false]);
  expect([limits.count, limits.rejected]).toEqual([2, 1]);
  first!();
  first!();
  expect([enter("2001:db8::5") !== undefined, limits.count]).toEqual([true, 2]);
});

test("when all places are taken, who has fewer takes that of who has most", () => {
  const limits = new ConnectionLimits({ total: 6, perSource: 4 });
  const closed: string[] = [];
  const enter = (name: string, address: string): (() => void) | undefined => limits.enter(parseAddress(address), () => closed.push(name));
  const leaves = ["a1", "a2", "a3", "a4"].map((name) => enter(name, "192.0.2.1"));
  for (const name of ["b1", "b2"]) enter(name, "192.0.2.2");
  expect(enter("c1", "192.0.2.3")).toBeDefined();
  expect([closed, limits.count]).toEqual([["a1"], 6]);
  // its end comes later, and gives back no other's place
  leaves[0]!();
  expect(limits.count).toBe(6);
  expect(enter("c2", "192.0.2.3")).toBeDefined();
  expect(closed).toEqual(["a1", "a2"]);
  // all have as many: nobody gives way to one who has as many too
  expect(enter("c3", "192.0.2.3")).toBeUndefined();
  // but to one who has none
  expect(enter("d1", "2001:db8::1")).toBeDefined();
  expect([closed.length, limits.count]).toEqual([3, 6]);
});
