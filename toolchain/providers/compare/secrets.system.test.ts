/** No secret of the kinds of resources that this project has stands in plain text in a state, whichever plugins made it. */

import { generateKeyPairSync } from "node:crypto";
import * as command from "@pulumi/command";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";
import { describe, expect, test } from "vitest";
import { startApiServer } from "../../../test/harness/api-server.ts";
import { startSshd } from "../command/sshd.ts";
import { bundled, testStack } from "../shared/stack.ts";
import { officialPlugin } from "./official.ts";
import { readableSecrets } from "./secrets.ts";

const official = (["command", "kubernetes", "random", "tls"] as const).map(officialPlugin);
const installed = official.every((folder) => folder !== undefined && folder === official[0]) ? official[0] : undefined;

describe.each([["bundled", bundled, installed], ["official", installed, bundled]] as const)("with the %s plugins", (_, folder, others) => {
  test.skipIf(folder === undefined)("what is secret is not to be read, nor after others went on with it", { timeout: 600_000 }, async () => {
    await using server = await startSshd();
    await using api = await startApiServer();
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
      const provider = new k8s.Provider("cluster", { kubeconfig: pulumi.secret(api.kubeconfig), clusterIdentifier: "cluster" });
      const inCluster = { provider, retainOnDelete: true }; // which ends with the test
      new k8s.core.v1.Secret("config", { stringData: { "config.yaml": pulumi.interpolate`key: ${result}` } }, inCluster);
      new k8s.core.v1.Secret("sealed", { immutable: true, stringData: { URL: result, KEY: key.privateKeyPem } }, inCluster);
      new k8s.core.v1.Secret("encoded", { data: { key: result.apply((text) => Buffer.from(`${text}!`).toString("base64")) } }, inCluster);
      return { host: endpoint.host };
    });
    subject.usePlugins(folder!);
    await subject.stack.up();
    const token = /"token":"([^"]+)"/.exec(api.kubeconfig)![1]!;
    for (const plugins of [folder!, ...(others === undefined ? [] : [others, folder!])]) {
      subject.usePlugins(plugins);
      await subject.stack.preview({ expectNoChanges: true });
      await subject.stack.refresh({ expectNoChanges: true });
      await subject.stack.up({ expectNoChanges: true });
      const { deployment } = await subject.stack.exportStack();
      const stored = await subject.storedState();
      expect(readableSecrets(deployment, stored)).toEqual([]);
      for (const hidden of ["PRIVATE KEY-----", privateKey.split("\n")[1]!, token]) expect(stored).not.toContain(hidden);
    }
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

test("a line of a private key that is its public key's is none, wherever it stands; the others are", () => {
  const hide = (text: string) => ({ "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify(text) });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKeyPem = publicKey.export({ type: "spki", format: "pem" }) as string;
  for (const type of ["sec1", "pkcs8"] as const) {
    const secret = privateKey.export({ type, format: "pem" }) as string;
    const lines = secret.split("\n").slice(1, -2);
    const exported = { resources: [{ outputs: { publicKeyPem, privateKeyPem: hide(secret) } }] };
    expect(readableSecrets(exported, JSON.stringify({ publicKeyPem, certPem: lines.at(-1) }))).toEqual([]);
    expect(readableSecrets(exported, JSON.stringify({ publicKeyPem, secret }))).toEqual([secret, ...lines.slice(0, -1)]);
  }
});
