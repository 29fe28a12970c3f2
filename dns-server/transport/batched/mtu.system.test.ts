import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { enterNamespace } from "../../../test/interop/namespace.ts";
import { parseConfig } from "../../config/config.ts";
import { startServer } from "../../server.ts";
import { encodeQuery } from "../../testing/client.ts";

const folder = mkdtempSync(join(tmpdir(), "peak-mtu-"));
afterAll(() => rmSync(folder, { recursive: true }));

const OPT = Buffer.from("00002904d0000000000000", "hex");
const QUERIES = 20;

test("answers to one asker arrive on a link whose MTU is smaller than they are", async () => {
  enterNamespace([]);
  execFileSync("ip", ["link", "set", "lo", "mtu", "1000"]);
  const strings = Array.from({ length: 4 }, () => `"${"x".repeat(250)}"`).join(" ");
  writeFileSync(join(folder, "zone"), `$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\nt TXT ${strings}\n`);
  const config = { role: "zones", listen: ["127.0.0.1:0"], udp: "batched", zones: [{ origin: "peak", file: "zone" }] };
  const server = await startServer(parseConfig(JSON.stringify(config), join(folder, "x.yaml")));
  const socket = createSocket("udp4");
  try {
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const ids = new Set<number>();
    const all = new Promise<void>((resolve) =>
      socket.on("message", (message) => {
        expect(message.length).toBeGreaterThan(1000);
        ids.add(message.readUInt16BE(0));
        if (ids.size === QUERIES) resolve();
      }),
    );
    for (let id = 0; id < QUERIES; id++) {
      const query = Buffer.concat([encodeQuery("t.peak", "TXT", id), OPT]);
      query.writeUInt16BE(1, 10);
      socket.send(query, server.endpoints[0]!.port, "127.0.0.1");
    }
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 5000))]);
    expect(ids.size).toBe(QUERIES);
  } finally {
    socket.close();
    await server.close();
  }
});
