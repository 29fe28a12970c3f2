import { describe, expect, it } from "vitest";
import { readEnvironment } from "./environment.ts";

const env = { POD_NAME: "echo-1", NODE_NAME: "pi2", POD_IPS: "2001:db8::10,fd00::10" };

describe("readEnvironment", () => {
  it("takes the pod from the downward API", () => {
    expect(readEnvironment(env)).toEqual({
      self: { pod: "echo-1", node: "pi2", addresses: ["2001:db8::10", "fd00::10"] },
      drainSeconds: 65,
    });
  });

  it("takes the time to drain, none included", () => {
    expect(readEnvironment({ ...env, DRAIN_SECONDS: "0" }).drainSeconds).toBe(0);
  });

  it.each(["POD_NAME", "NODE_NAME", "POD_IPS"])("names %s when it is missing", (name) => {
    expect(() => readEnvironment({ ...env, [name]: "" })).toThrow(`${name} is not set`);
  });

  it.each(["", "-1", "1.5", "x", "100000"])("refuses DRAIN_SECONDS=%j", (text) => {
    expect(() => readEnvironment({ ...env, DRAIN_SECONDS: text })).toThrow(`DRAIN_SECONDS=${text}`);
  });
});
