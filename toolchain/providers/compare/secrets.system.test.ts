/** No secret of the kinds of resources that this project has stands in plain text in a state, whichever plugins made it. */

import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { describe, expect, test } from "vitest";
import { startSshd } from "../command/sshd.ts";
import { bundled, testStack } from "../shared/stack.ts";
import { officialPlugin } from "./official.ts";
import { readableSecrets } from "./secrets.ts";

const official = (["command", "random", "tls"] as const).map(officialPlugin);
const installed = official.every((folder) => folder !== undefined && folder === official[0]) ? official[0] : undefined;

describe.each([["bundled", bundled], ["official", installed]] as const)("with the %s plugins", (_, folder) => {
  test.skipIf(folder === undefined)("what is secret is not to be read", { timeout: 300_000 }, async () => {
    await using server = await startSshd();
    const { privateKey, ...endpoint } = server.connection;
    await using subject = await testStack(async () => {
      const { result, bcryptHash } = new random.RandomPassword("password", { length: 43, special: false });
      const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
      const { Command, Logging } = command.local;
      const made = new Command("made", {
        create: 'cat; echo "$WORD"', stdin: result, environment: { WORD: pulumi.interpolate`${result}-too` }, logging: Logging.None,
      }, { additionalSecretOutputs: ["stdout"] });
      new command.remote.Command("setup", {
        connection: { ...endpoint, privateKey: pulumi.secret(privateKey) },
        create: "cat > /dev/null", stdin: pulumi.interpolate`${key.privateKeyOpenssh} ${bcryptHash} ${made.stdout}`, delete: "true",
        logging: command.remote.Logging.None, addPreviousOutputInEnv: false,
      });
      return { host: endpoint.host };
    });
    subject.usePlugins(folder!);
    await subject.stack.up();
    const { deployment } = await subject.stack.exportStack();
    const stored = await subject.storedState();
    expect(readableSecrets(deployment, stored)).toEqual([]);
    for (const hidden of ["PRIVATE KEY-----", privateKey.split("\n")[1]!]) expect(stored).not.toContain(hidden);
    await subject.stack.destroy();
  });
});

test("a secret that stands elsewhere is found, also within a text, in base64, or by a line of a key", () => {
  const hide = (text: string) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify(text) });
  const key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIFvo\n-----END PRIVATE KEY-----\n";
  const exported = { resources: [{ outputs: { a: hide("correct-horse-battery"), b: { c: hide(key) } } }] };
  expect(readableSecrets(exported, '{"id":"nothing"}')).toEqual([]);
  expect(readableSecrets(exported, '{"id":"x correct-horse-battery"}')).toEqual(["correct-horse-battery"]);
  expect(readableSecrets(exported, `{"data":"${Buffer.from("correct-horse-battery").toString("base64")}"}`)).toHaveLength(1);
  expect(readableSecrets(exported, '{"stdin":"MC4CAQAwBQYDK2VwBCIEIFvo"}')).toEqual(["MC4CAQAwBQYDK2VwBCIEIFvo"]);
});
