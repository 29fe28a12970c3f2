import { expect, test } from "vitest";
import { parseAddress } from "../wire/address.ts";
import { ConnectionLimits } from "./connections.ts";

test("so many of each source, so many in all; a place that is given back can be taken again", () => {
  const limits = new ConnectionLimits({ total: 4, perSource: 2 });
  const enter = (address: string): (() => void) | undefined => limits.enter(parseAddress(address));
  const first = enter("2001:db8:0:1::1");
  expect([first, enter("2001:db8:0:2::1"), enter("2001:db8:0:3::1")].map((leave) => leave !== undefined)).toEqual([true, true, false]);
  expect(["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => enter(address) !== undefined)).toEqual([true, true, false]);
  first!();
  expect([enter("2001:db8::5") !== undefined, limits.count, limits.rejected]).toEqual([true, 4, 2]);
});
