import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { silence } from "./answers.ts";

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** Listens on loopback, and says this to whoever comes. */
async function listen(says: string | undefined): Promise<number> {
  server = createServer((socket) => (says === undefined ? socket.destroy() : socket.end(says))).listen(0, "::1");
  await new Promise((resolve) => server!.once("listening", resolve));
  return (server.address() as AddressInfo).port;
}

test("a host that greets as SSH servers do answers", async () => expect(await silence("::1", 0, await listen("SSH-2.0-trial\r\n"))).toBeUndefined());
test("another server is told from it", async () => expect(await silence("::1", 0, await listen("220 mail\r\n"))).toBe("what answers is no SSH server"));
test("one that hangs up does not answer", async () => expect(await silence("::1", 0, await listen(undefined))).toMatch(/hung up|reset/));

test("where nothing listens it is tried until there is something", async () => {
  const port = await listen("SSH-2.0-trial\r\n");
  await new Promise((resolve) => server!.close(resolve));
  server = undefined;
  expect(await silence("::1", 0, port)).toBe("no SSH server listens");
  const answer = silence("::1", 30, port);
  server = createServer((socket) => socket.end("SSH-2.0-trial\r\n"));
  server.listen(port, "::1");
  expect(await answer).toBeUndefined();
});
