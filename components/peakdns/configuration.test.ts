import { describe, expect, test } from "vitest";
import { parseConfig } from "../../dns-server/config/config.ts";
import { clusterConfig, primaryConfig, renderZone, secondaryConfig, serverName } from "./configuration.ts";

const a = { name: "root1.ns.peak.", addresses: ["2001:db8::53", "fd00::53"] };
const b = { name: "root2.ns.peak.", addresses: ["2001:db8:2::53"] };
const own = { name: "pi2.ns.peak.", addresses: ["2001:db8::2", "fd00::2"] };
const other = { name: "pi3.ns.peak.", addresses: ["2001:db8::3", "fd00::3"] };
const key = (name: string) => ({ name, secret: Buffer.alloc(32, name).toString("base64") });
const [transferKey, clusterKey] = [key("transfer."), key("cluster.")];

test("a server is named after its host", () => expect(serverName("pi2", "peak.")).toBe("pi2.ns.peak."));

describe("configurations", () => {
  const primary = primaryConfig({ zone: "peak.", servers: [a, b], transferKeys: [transferKey], clusters: [{ keys: [clusterKey], servers: [own, other] }] });
  const secondary = secondaryConfig({ zone: "peak.", primary: a, transferKeys: [transferKey] });
  const cluster = clusterConfig({ zone: "peak.", own: own.name, servers: [own, other], primary: a, key: clusterKey, prometheus: "http://[fd00::1]:9090" });

  test.each([primary, secondary, cluster])("$role is what PeakDNS takes", (config) =>
    expect(parseConfig(JSON.stringify({ ...config, listen: ["[::1]:53"] }), "test")).toMatchObject({ role: config.role }));

  test("a cluster's key delegates to that cluster's servers, and does nothing else", () =>
    expect(primary.updates.grants).toEqual([{ key: "cluster.", delegateTo: ["pi2.ns.peak.", "pi3.ns.peak."] }]));
  test("the secondary is told of changes, and fetches with its key", () => {
    expect(primary.transfer).toEqual({ keys: ["transfer."], notify: [{ server: "[2001:db8:2::53]:53", key: "transfer." }] });
    expect(secondary.zones).toMatchObject([{ primaries: ["[fd00::53]:53"], key: "transfer." }]);
  });
  test("while a key is rotated, each server knows both, and signs with the one that is used", () => {
    const [next, nextCluster] = [key("transfer-2."), key("cluster-2.")];
    const clusters = [{ keys: [nextCluster, clusterKey] as const, servers: [own] }];
    expect(primaryConfig({ zone: "peak.", servers: [a, b], transferKeys: [next, transferKey], clusters })).toMatchObject({
      keys: [next, transferKey, nextCluster, clusterKey],
      updates: { grants: [{ key: "cluster-2." }, { key: "cluster." }] },
      transfer: { keys: ["transfer-2.", "transfer."], notify: [{ key: "transfer-2." }] },
    });
    const rotating = secondaryConfig({ zone: "peak.", primary: a, transferKeys: [next, transferKey] });
    expect(rotating).toMatchObject({ zones: [{ key: "transfer-2." }], keys: [next, transferKey] });
  });
  test("a cluster's server registers itself alone", () =>
    expect(cluster.register).toMatchObject({ servers: ["[fd00::53]:53"], as: ["pi2.ns.peak."] }));
});

describe("the root's zone", () => {
  test("has its SOA, its servers and their addresses", () => {
    const lines = renderZone("peak.", [a, b]).split("\n");
    expect(lines[1]).toMatch(/^peak\. SOA root1\.ns\.peak\. hostmaster\.peak\. /);
    for (const line of ["peak. NS root1.ns.peak.", "peak. NS root2.ns.peak.", "root1.ns.peak. AAAA 2001:db8::53", "root1.ns.peak. AAAA fd00::53"]) {
      expect(lines).toContain(line);
    }
  });
  test("without a server there is none", () => expect(() => renderZone("peak.", [])).toThrow("the zone peak. needs a name server"));
});
