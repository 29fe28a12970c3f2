import { KubeConfig } from "@kubernetes/client-node";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { getJson } from "./api.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => cleanups.splice(0).forEach((cleanup) => cleanup()));

async function configFor(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<KubeConfig> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const config = new KubeConfig();
  const cluster = { name: "x", server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "x" });
  return config;
}

const UPGRADE = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";

describe("a request to the API server", () => {
  test("fails when the answer comes without end", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    cleanups.push(() => vi.useRealTimers());
    const begun = Promise.withResolvers<void>();
    const config = await configFor((_, response) => {
      response.writeHead(200).write("{");
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
      begun.resolve();
    });
    const failed = expect(getJson(config, "/x")).rejects.toThrow("no answer in time");
    await begun.promise;
    vi.advanceTimersByTime(60_000);
    await failed;
  });

  test("fails when the connection becomes another protocol's", async () => {
    const config = await configFor((request) => request.socket.write(UPGRADE));
    await expect(getJson(config, "/x")).rejects.toThrow("without an answer");
  });
});
