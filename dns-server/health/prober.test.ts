import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Target } from "../model/domain.ts";
import { eventually } from "../testing/client.ts";
import { testTarget } from "../testing/domain.ts";
import { parseIpv6 } from "../wire/address.ts";
import { formatName, parseName } from "../wire/name.ts";
import { probeBySocket, type Check } from "./check.ts";
import { Prober, type ProbeListener } from "./prober.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listening<T extends Server>(server: T): Promise<number> {
  server.listen(0, "::1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("one probe", () => {
  test("of TCP succeeds where something listens", async () => {
    const server = createServer();
    const port = await listening(server);
    expect(await probeBySocket("::1", { kind: "tcp", port }, 1000)).toBe("ok");
    server.close();
    await once(server, "close");
    expect(await probeBySocket("::1", { kind: "tcp", port }, 1000)).toBe("refused");
  });
  test.each([
    [200, "ok"],
    [302, "ok"],
    [404, "status"],
    [503, "status"],
  ])("of HTTP with status %s: %s", async (status, expected) => {
    const port = await listening(
      createHttpServer(({ url }, response) => void response.writeHead(url === "/ready" ? status : 500).end("text")),
    );
    expect(await probeBySocket("::1", { kind: "http", port, path: "/ready" }, 1000)).toBe(expected);
  });
  test("of HTTP fails when the connection ends, or nothing comes in time", async () => {
    const broken = await listening(createServer((socket) => socket.resetAndDestroy()));
    expect(await probeBySocket("::1", { kind: "http", port: broken, path: "/" }, 1000)).toBe("reset");
    const silent = await listening(createServer((socket) => cleanups.push(() => socket.destroy())));
    expect(await probeBySocket("::1", { kind: "http", port: silent, path: "/" }, 50)).toBe("timeout");
  });
  test("of an address that nobody can reach fails", async () => {
    // a discard-only address (RFC 6666)
    expect(["unreachable", "timeout"]).toContain(await probeBySocket("100::1", { kind: "tcp", port: 80 }, 100));
  });
});

const domain = parseName("web.peak");
const target = (last: number, more: Partial<Target> = {}): Target =>
  testTarget(`p${last}`, { ipv6: parseIpv6(`fd00::${last}`), probe: { kind: "tcp", port: 80 }, ...more });

describe("the prober", () => {
  const start = (probe: Check): { prober: Prober; changes: string[]; silent: string[] } => {
    const changes: string[] = [];
    const silent: string[] = [];
    const listener: ProbeListener = {
      changed: (name) => changes.push(name),
      silent: (name, asked, result) => silent.push(`${formatName(name)} ${asked} ${result}`),
    };
    const prober = new Prober({ intervalMs: 10 }, listener, probe);
    cleanups.push(() => prober.stop());
    return { prober, changes, silent };
  };

  test("tells of a domain that has never answered, but not of one of which some target has", async () => {
    const { prober, silent } = start(async (address) => (address === "fd00::1" ? "ok" : "refused"));
    const other = parseName("other.peak");
    prober.set(domain, [target(1), target(2), target(3)]);
    prober.set(other, [target(4)]);
    await eventually(
      () => prober.report(target(2))?.failures ?? 0,
      (failures) => failures > 12,
    );
    await eventually(
      () => silent,
      ({ length }) => length > 0,
    );
    expect(silent).toEqual(["other.peak. tcp:80 refused"]);
  });

  test("finds a dead target and its return, and tells its domains", async () => {
    const dead = new Set<string>();
    const { prober, changes } = start(async (address) => (dead.has(address) ? "refused" : "ok"));
    const targets = [1, 2, 3].map((n) => target(n));
    prober.set(domain, targets);
    await eventually(
      () => targets.filter((each) => prober.report(each)?.last === "ok").length,
      (count) => count === 3,
    );
    expect(changes).toEqual([]);
    expect(prober.secondsToChange(targets[0]!)).toBe(0.02);
    dead.add("fd00::1");
    await eventually(() => prober.failed(targets[0]!), Boolean);
    expect(changes).toContain(domain);
    expect(prober.report(targets[0]!)).toMatchObject({ probe: "tcp:80", last: "refused", out: true });
    expect(prober.counts()).toMatchObject({ targets: 3, out: 1, frozen: false });
    dead.clear();
    await eventually(
      () => prober.failed(targets[0]!),
      (failed) => !failed,
    );
  });

  test("probes an address once for all of its domains, until the last of them is gone", async () => {
    let running = 0;
    const asked: string[] = [];
    const { prober } = start(async (address) => {
      asked.push(address);
      expect(++running).toBe(1);
      await new Promise(setImmediate);
      running--;
      return "ok";
    });
    const other = parseName("other.peak");
    prober.set(domain, [target(1)]);
    prober.set(other, [target(1)]);
    expect(prober.counts().targets).toBe(1);
    prober.remove(domain);
    await eventually(
      () => asked.length,
      (count) => count > 3,
    );
    prober.remove(other);
    expect(prober.counts().targets).toBe(0);
    const before = asked.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked.length).toBe(before);
  });

  test("asks on where Kubernetes has lost the node, and tells when that shows something", async () => {
    const dead = new Set(["fd00::2"]);
    const { prober, changes } = start(async (address) => (dead.has(address) ? "refused" : "ok"));
    const targets = [1, 2, 3, 4].map((n) => target(n, { state: "node lost" }));
    prober.set(domain, targets);
    expect(targets.map((each) => prober.answers(each))).toEqual([false, false, false, false]);
    await eventually(
      () => targets.map((each) => prober.answers(each)),
      (answers) => answers.join() === "true,false,true,true",
    );
    expect(changes.length).toBeGreaterThanOrEqual(3);
    dead.add("fd00::1").add("fd00::3").add("fd00::4");
    // all fail: nobody is out, but nobody is known to be well
    await eventually(
      () => targets.some((each) => prober.answers(each)),
      (some) => !some,
    );
    expect(prober.counts()).toMatchObject({ frozen: true });
  });

  test("leaves alone what has no probe, no address, or is not ready", () => {
    const { prober } = start(async () => "refused");
    const none: Target[] = [target(1, { probe: undefined }), target(2, { ipv6: undefined }), target(3, { state: "terminating" })];
    prober.set(domain, none);
    expect(prober.counts().targets).toBe(0);
    expect(none.map((each) => prober.failed(each))).toEqual([false, false, false]);
  });

  test("blames itself when most targets fail: none is out", async () => {
    const { prober } = start(async () => "timeout");
    const targets = [1, 2, 3].map((n) => target(n));
    prober.set(domain, targets);
    await eventually(
      () => prober.counts().results.get("timeout") ?? 0,
      (count) => count > 15,
    );
    expect(prober.counts()).toMatchObject({ out: 0, frozen: true });
  });
});
