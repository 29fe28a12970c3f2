import * as tls from "@pulumi/tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { testStack, type TestStack } from "../shared/stack.ts";

const TIMEOUT_MS = 120_000;

let subject: TestStack;
let hours = { earlyRenewalHours: 2920 };

beforeEach(async () => {
  subject = await testStack(async () => {
    const key = new tls.PrivateKey("key", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    const login = new tls.PrivateKey("login", { algorithm: "ED25519" });
    const authority = new tls.SelfSignedCert("authority", {
      privateKeyPem: key.privateKeyPem, subject: { commonName: "test" }, allowedUses: ["cert_signing"], isCaCertificate: true,
      validityPeriodHours: 87600, earlyRenewalHours: 29200,
    });
    const own = new tls.PrivateKey("server", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    const request = new tls.CertRequest("server", { privateKeyPem: own.privateKeyPem, subject: { commonName: "server" } });
    const certificate = new tls.LocallySignedCert("server", {
      caCertPem: authority.certPem, caPrivateKeyPem: key.privateKeyPem, certRequestPem: request.certRequestPem,
      allowedUses: ["server_auth"], validityPeriodHours: 8760, earlyRenewalHours: hours.earlyRenewalHours,
    });
    return { login: login.privateKeyOpenssh, pem: own.privateKeyPem, authority: authority.certPem, certificate: certificate.certPem };
  });
}, 600_000);

afterEach(async () => {
  await subject.stack.destroy();
  await subject[Symbol.asyncDispose]();
}, TIMEOUT_MS);

test("keys and certificates are made once, stay, are renewed when due, and stand in no state in plain text", async () => {
  await subject.stack.preview();
  const first = (await subject.stack.up()).outputs;
  for (const secret of [first["login"], first["pem"]]) {
    expect(secret?.secret).toBe(true);
    const [, line] = (secret!.value as string).split("\n");
    expect(await subject.storedState()).not.toContain(line);
  }
  await subject.stack.refresh();
  const second = await subject.stack.up();
  expect(second.summary.resourceChanges).toEqual({ same: 7 });
  expect(second.outputs).toEqual(first);

  // A third of its life is left when it is renewed: here from its first hour on.
  hours = { earlyRenewalHours: 8759 };
  expect((await subject.stack.up()).outputs).toEqual(first);
  const state = await subject.stack.exportStack();
  const { resources } = state.deployment as { resources: { type: string; outputs: Record<string, unknown> }[] };
  const { outputs } = resources.find(({ type }) => type.endsWith("LocallySignedCert"))!;
  outputs["validityEndTime"] = new Date(Date.now() + 8758 * 3_600_000).toISOString();
  await subject.stack.importStack(state);
  const renewed = await subject.stack.up();
  expect(renewed.summary.resourceChanges).toEqual({ same: 6, replace: 1 });
  expect(renewed.outputs).toMatchObject({ pem: first["pem"], authority: first["authority"] });
  expect(renewed.outputs["certificate"]!.value).not.toBe(first["certificate"]!.value);
}, TIMEOUT_MS);
