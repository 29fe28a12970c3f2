import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { withSession } from "./ssh.ts";

const { private: privateKey, public: hostKey } = ssh2.utils.generateKeyPairSync("ed25519");

test.each([["at once", ""], ["after its greeting", "SSH-2.0-test\r\n"]])("a server that hangs up %s has refused the login", async (_, greeting) => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write(greeting);
    void sleep(100).then(() => socket.end());
  }).listen(0, "::1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const login = withSession({ host: "::1", port, user: "root", privateKey, hostKey }, 20, async () => "in");
    await expect(login).rejects.toThrow(/^::1: cannot log in: /);
  } finally {
    server.close();
  }
});
