import { expect, test } from "vitest";
import { unboundConfig } from "./client.ts";

test("the resolver starts at the root servers and refuses what is outside of the zone", () => {
  const config = unboundConfig({ zone: "peak.", servers: ["fd00::1", "fd00::2"] });
  expect(config).toContain('local-zone: "." refuse\n  local-zone: "peak." transparent\n');
  expect(config).toContain('stub-zone:\n  name: "peak."\n  stub-addr: fd00::1\n  stub-addr: fd00::2\n');
  expect(config).toContain("cache-min-ttl: 0\n");
});
