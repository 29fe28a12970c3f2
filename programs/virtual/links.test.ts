import fc from "fast-check";
import { expect, test } from "vitest";
import { hardwareAddress } from "./links.ts";

test("a hardware address is of one interface, and locally administered", () => {
  fc.assert(fc.property(fc.string(), (name) => {
    const address = hardwareAddress(name);
    expect(address).toMatch(/^02(:[0-9a-f]{2}){5}$/);
    expect(hardwareAddress(name)).toBe(address);
  }));
  expect(hardwareAddress("peak-pi1")).not.toBe(hardwareAddress("peak-pi2"));
});
