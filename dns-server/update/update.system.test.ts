import { spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { addressesIn, ask } from "../testing/client.ts";
import { serveCommand } from "../testing/command.ts";
import type { Endpoint } from "../wire/endpoint.ts";

/** The update tools of BIND and of Knot against the command itself, which is killed in between. */

const secret = Buffer.alloc(32, 7).toString("base64");

let folder: string;
let server: ChildProcess | undefined;
let endpoint: Endpoint;

/** @param node flags for Node */
async function start(...node: string[]): Promise<void> {
  ({ endpoint } = await serveCommand(["--config", join(folder, "config.yaml")], (started) => (server = started), node));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "peak-nsupdate-"));
  writeFileSync(
    join(folder, "config.yaml"),
    JSON.stringify({
      role: "root",
      listen: ["127.0.0.1:0"],
      zone: "peak",
      records: "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns AAAA fd00::1\n",
      keys: [{ name: "admin", secret }],
      updates: { journal: "journal", grants: [{ key: "admin", names: ["*.peak"], types: ["AAAA", "TXT"] }] },
    }),
  );
  await start();
});
afterEach(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

describe.each(["nsupdate", "knsupdate"])("%s", (tool) => {
  const updateAs = (key: string, flags: readonly string[], ...commands: string[]): { status: number | null; output: string } => {
    const script = [`server 127.0.0.1 ${endpoint.port}`, "zone peak.", ...commands, "send", ""].join("\n");
    const { status, stdout, stderr } = spawnSync(tool, ["-y", key, ...flags], { input: script, encoding: "utf8", timeout: 20_000 });
    return { status, output: stdout + stderr };
  };
  const update = (flags: readonly string[], ...commands: string[]): { status: number | null; output: string } =>
    updateAs(`hmac-sha256:admin:${secret}`, flags, ...commands);

  test.skipIf(!which(tool))("adds and removes, over UDP and TCP; what was acknowledged survives kill -9", async () => {
    expect(update([], "update add a.peak. 60 AAAA 2001:db8::1")).toMatchObject({ status: 0 });
    expect(update(["-v"], "update add a.peak. 60 AAAA 2001:db8::2", 'update add b.peak. 60 TXT "x y"')).toMatchObject({ status: 0 });
    expect(addressesIn(await ask(endpoint, "a.peak", "AAAA"))).toEqual(["2001:db8::1", "2001:db8::2"]);
    server!.kill("SIGKILL");
    await once(server!, "exit");
    await start();
    expect(addressesIn(await ask(endpoint, "a.peak", "AAAA"))).toEqual(["2001:db8::1", "2001:db8::2"]);
    expect(update([], "update delete a.peak. AAAA 2001:db8::1", "update delete b.peak. TXT")).toMatchObject({ status: 0 });
    expect(addressesIn(await ask(endpoint, "a.peak", "AAAA"))).toEqual(["2001:db8::2"]);
    expect((await ask(endpoint, "b.peak", "TXT")).answers).toEqual([]);
  });

  test.skipIf(!which(tool))("is told what it may not do", async () => {
    expect(update([], "update add a.peak. 60 A 192.0.2.1").output).toMatch(/REFUSED/);
    expect(update([], "prereq yxdomain none.peak.", "update add a.peak. 60 TXT x").output).toMatch(/NXDOMAIN/);
    expect((await ask(endpoint, "a.peak", "A")).answers).toEqual([]);
  });

  test.skipIf(!which(tool))("is told what is wrong with its signature", async () => {
    const add = "update add a.peak. 60 AAAA 2001:db8::1";
    const wrong = Buffer.alloc(32, 8).toString("base64");
    for (const [key, error] of [
      [`hmac-sha256:admin:${wrong}`, "BADSIG"],
      [`hmac-sha256:nobody:${secret}`, "BADKEY"],
      [`hmac-sha512:admin:${secret}`, "BADKEY"],
    ] as const) {
      const { status, output } = updateAs(key, [], add);
      expect([status === 0, output]).toEqual([false, expect.stringContaining(error)]);
    }
    // to a server whose clock is an hour ahead
    server!.kill("SIGKILL");
    await once(server!, "exit");
    await start("--import", "data:text/javascript,const now = Date.now; Date.now = () => now() + 3600e3;");
    const { status, output } = update([], add);
    expect([status === 0, output]).toEqual([false, expect.stringContaining("BADTIME")]);
    expect((await ask(endpoint, "a.peak", "AAAA")).answers).toEqual([]);
  });
});
