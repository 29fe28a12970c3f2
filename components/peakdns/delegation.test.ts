import { describe, expect, test } from "vitest";
import { delegate, renderZone, serverName } from "./delegation.ts";

const a = { name: "pi2.ns.peak.", addresses: ["2001:db8::2", "fd00::2"] };
const b = { name: "pi3.ns.peak.", addresses: ["2001:db8::3"] };

test("a server is named after its host", () => expect(serverName("pi2", "peak.")).toBe("pi2.ns.peak."));

describe("delegations", () => {
  test("each name goes to every server of its cluster", () =>
    expect(delegate([{ domains: ["echo", "video"], servers: [a, b] }])).toEqual({ echo: [a, b], video: [a, b] }));
  test("a name that two clusters serve goes to the servers of both", () =>
    expect(delegate([{ domains: ["echo"], servers: [a] }, { domains: ["echo"], servers: [b] }])).toEqual({ echo: [a, b] }));
});

describe("the root's zone", () => {
  test("has its SOA, its servers and their addresses", () => {
    const text = renderZone("peak.", [a, b]);
    expect(text).toMatch(/^peak\. SOA pi2\.ns\.peak\. hostmaster\.peak\. /m);
    for (const line of ["peak. NS pi2.ns.peak.", "peak. NS pi3.ns.peak.", "pi2.ns.peak. AAAA 2001:db8::2", "pi2.ns.peak. AAAA fd00::2"]) {
      expect(text.split("\n")).toContain(line);
    }
  });
  test("without a server there is none", () => expect(() => renderZone("peak.", [])).toThrow("the zone peak. needs a name server"));
});
