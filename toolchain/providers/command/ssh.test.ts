import { expect, test } from "vitest";
import { remoteCommand, type Endpoint } from "./schema.ts";
import { connectConfig } from "./ssh.ts";

const endpoint = (settings: object): Endpoint => remoteCommand.shape.connection.parse({ host: "h", ...settings });

test("defaults are those of the official schema", () => {
  expect(endpoint({})).toEqual({ host: "h", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 });
});

test.each([
  [{ privateKey: "k" }, undefined, ["publickey"]],
  [{ privateKey: "k", password: "p" }, undefined, ["publickey", "password", "keyboard-interactive"]],
  [{ password: "p" }, "/agent", ["password", "keyboard-interactive", "agent"]],
  [{ agentSocketPath: "/own" }, "/agent", ["agent"]],
  [{}, undefined, []],
])("%j with agent %s logs in by %j", (settings, agent, methods) => {
  const config = connectConfig(endpoint(settings), agent);
  expect(config.authHandler).toEqual(methods);
  if ("agentSocketPath" in settings) expect(config.agent).toBe("/own");
});

test("no limit to a dial is no timeout", () => {
  expect(connectConfig(endpoint({ perDialTimeout: 0 }), undefined).readyTimeout).toBe(0);
});

test("an expected host key is the only one accepted", () => {
  const key = Buffer.from("key");
  const config = connectConfig(endpoint({ hostKey: `ssh-ed25519 ${key.toString("base64")} comment\n` }), undefined);
  const verify = config.hostVerifier as (key: Buffer) => boolean;
  expect([verify(key), verify(Buffer.from("other"))]).toEqual([true, false]);
  expect(config.algorithms).toEqual({ serverHostKey: ["ssh-ed25519"] });
  expect(() => connectConfig(endpoint({ hostKey: "nonsense" }), undefined)).toThrow(/hostKey: expected/);
});
