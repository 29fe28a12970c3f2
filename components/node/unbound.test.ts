import { expect, test } from "vitest";
import { renderUnbound } from "./unbound.ts";

test("the resolver starts at the root servers and refuses what is outside of the zone", () => {
  const servers = [{ name: "a.ns.peak.", address: "fd00::1" }, { name: "b.ns.peak.", address: "fd00::2" }];
  const config = renderUnbound({ zone: "peak.", servers, address: "::1", port: 53, allow: ["::1/128"] });
  expect(config).toContain("  interface: ::1@53\n  access-control: ::1/128 allow\n");
  expect(config).toContain('  local-zone: "." refuse\n');
  expect(config).toContain('  local-data: ". 3600 IN NS a.ns.peak."\n  local-data: ". 3600 IN NS b.ns.peak."\n');
  expect(config).toContain('  local-zone: "peak." transparent\n');
  expect(config).toContain('stub-zone:\n  name: "peak."\n  stub-addr: fd00::1\n  stub-addr: fd00::2\n');
  expect(config).toContain("cache-min-ttl: 0\n");
});
