import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { encodeQuery, eventually, exchangeTcp, exchangeUdp } from "../../dns-server/testing/client.ts";
import { fakePod } from "../../dns-server/testing/fake-api-server.ts";
import { decodeMessage, type DecodedMessage } from "../../dns-server/testing/decode.ts";
import { Flag, Rcode } from "../../dns-server/wire/constants.ts";
import { enterNamespace } from "./namespace.ts";
import { Folder, type Program } from "./program.ts";
import { knotResolver, named, resolverAddress, startResolver, unbound, type Resolver } from "./resolvers.ts";
import { LEASE, servers, startTree, type Tree } from "./tree.ts";

/** Resolvers of other people's resolve names of pods through a tree of our servers, from the root hints down. */

const folder = new Folder();
let tree: Tree;
beforeAll(async () => {
  enterNamespace([...Object.values(servers), resolverAddress]);
  tree = await startTree(folder);
});
afterAll(async () => {
  await tree?.stop();
  folder.remove();
});

/** A query that wants recursion. */
function recursive(name: string, type: string): Buffer {
  const message = encodeQuery(name, type);
  message[2] = 1;
  return message;
}
/** Of `echo.peak`, for which both clusters have pods. */
const bothServers = ["ns1.a.peak.", "ns1.b.peak."];
const query = async (address: string, name: string, type: string): Promise<DecodedMessage> =>
  decodeMessage(await exchangeUdp({ address, port: 53 }, recursive(name, type), 10_000));
const resolve = (name: string, type: string): Promise<DecodedMessage> => query(resolverAddress, name, type);
/** The data of the records, sorted. */
const data = (message: DecodedMessage, section: "answer" | "authority" = "answer"): string[] =>
  message[section].map((record) => record.split(" ").slice(4).join(" ")).toSorted();

describe.each([unbound, knotResolver, named])("$name", (resolver: Resolver) => {
  let running: Program;
  beforeEach(async () => {
    if (which(resolver.binary)) running = await startResolver(resolver, folder);
  });
  afterEach(async () => running?.stop());
  const check = test.skipIf(!which(resolver.binary));

  check("follows referrals to the pods of both clusters", async () => {
    const { rcode, answer } = await resolve("echo.peak", "AAAA");
    expect(rcode).toBe(Rcode.NOERROR);
    expect(answer.length).toBeGreaterThan(0);
    for (const record of answer) expect(record).toMatch(/^echo\.peak\. [0-5] IN AAAA 2001:db8:[ab]::[12]$/);
    expect(data(await resolve("only.peak", "AAAA"))).toEqual(["2001:db8:a::3"]);
    expect(data(await resolve("deep.er.peak", "AAAA"))).toEqual(["2001:db8:a::4"]);
  });

  check("follows an alias into a delegation, and finds wildcards", async () => {
    const { answer } = await resolve("www.peak", "AAAA");
    expect(answer[0]).toMatch(/^www\.peak\. \d+ IN CNAME echo\.peak\.$/);
    expect(answer[1]).toMatch(/^echo\.peak\. [0-5] IN AAAA 2001:db8:/);
    expect(data(await resolve("a.b.wild.peak", "AAAA"))).toEqual(["2001:db8::f"]);
  });

  check("is told what is not there", async () => {
    for (const [name, type, rcode] of [
      ["echo.peak", "A", Rcode.NOERROR],
      ["echo.peak", "HTTPS", Rcode.NOERROR],
      ["er.peak", "AAAA", Rcode.NOERROR],
      ["non-terminal.peak", "AAAA", Rcode.NOERROR],
      ["none.echo.peak", "AAAA", Rcode.NXDOMAIN],
      ["none.peak", "AAAA", Rcode.NXDOMAIN],
    ] as const) {
      const negative = await resolve(name, type);
      expect({ name, type, rcode: negative.rcode, answer: negative.answer }).toEqual({ name, type, rcode, answer: [] });
      expect(negative.authority, name).toEqual([expect.stringMatching(/ IN SOA /)]);
    }
    // found at a label on the way there, of which not every resolver gives the SOA
    expect(await resolve("a.b.c.d.e.none.peak", "AAAA")).toMatchObject({ rcode: Rcode.NXDOMAIN, answer: [] });
  });

  check("asks again over TCP for what UDP cannot carry", async () => {
    const truncated = await exchangeUdp({ address: servers.peak, port: 53 }, encodeQuery("big.peak", "TXT"));
    expect(truncated.readUInt16BE(2) & Flag.TC).not.toBe(0);
    const [message] = await exchangeTcp({ address: resolverAddress, port: 53 }, [recursive("big.peak", "TXT")]);
    expect(decodeMessage(message!).answer[0]).toContain(`"${"x".repeat(250)}" `.repeat(12).trim());
  });

  check("sees the pods and the TTL of now", async () => {
    tree.a.api.apply(fakePod("late", { domain: "late", addresses: ["2001:db8:a::9"] }));
    const { answer } = await eventually(
      () => resolve("late.peak", "AAAA"),
      (message) => message.answer.length > 0,
      400,
    );
    expect(answer[0]).toMatch(/^late\.peak\. [0-5] IN AAAA 2001:db8:a::9$/);
    tree.setTtl(60);
    await eventually(
      () => query(servers.clusterA, "late.peak", "AAAA"),
      (message) => message.answer[0]!.startsWith("late.peak. 60 "),
    );
    const fresh = await eventually(
      () => resolve("late.peak", "AAAA"),
      (message) => Number(message.answer[0]!.split(" ")[1]) > 5,
      400,
    );
    expect(fresh.answer[0]).toMatch(/^late\.peak\. (60|59) /);
    tree.setTtl(5);
    tree.a.api.remove("default", "late");
    await eventually(
      () => query(servers.peak, "late.peak", "AAAA"),
      (message) => message.rcode === Rcode.NXDOMAIN,
    );
  });

  check("resolves on when a cluster's server is killed, also when it had the NS records from that one", async () => {
    for (const cluster of [servers.clusterA, servers.clusterB]) {
      await eventually(
        async () => data(await query(cluster, "echo.peak", "NS")),
        (found) => isDeepStrictEqual(found, bothServers),
        40 * LEASE,
      );
    }
    // from here on the resolver believes the zone itself rather than the referral (RFC 2181 section 5.4.1)
    expect(data(await resolve("echo.peak", "NS"))).toEqual(bothServers);
    await tree.a.server.stop("SIGKILL");
    try {
      // each of a type of its own, so that none is answered from a cache
      for (let type = 65_280; type < 65_300; type++) {
        const { rcode, answer } = await resolve("echo.peak", `TYPE${type}`);
        expect({ rcode, answer }).toEqual({ rcode: Rcode.NOERROR, answer: [] });
      }
    } finally {
      await tree.restartA();
    }
  });
});

test("a killed server's delegations go when their lease ends, and come back with it", async () => {
  const delegatedTo = async (): Promise<string[]> => data(await query(servers.peak, "echo.peak", "AAAA"), "authority");
  await eventually(delegatedTo, (found) => isDeepStrictEqual(found, bothServers));
  await tree.a.server.stop("SIGKILL");
  await eventually(delegatedTo, (found) => isDeepStrictEqual(found, ["ns1.b.peak."]), 40 * 2 * LEASE);
  expect((await query(servers.peak, "only.peak", "AAAA")).rcode).toBe(Rcode.NXDOMAIN);
  await tree.restartA();
  await eventually(delegatedTo, (found) => isDeepStrictEqual(found, bothServers));
});
