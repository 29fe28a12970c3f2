import { createPublicKey, X509Certificate } from "node:crypto";
import fc from "fast-check";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { isSecret, reveal, secret, UNKNOWN, type Properties, type Value } from "../shared/properties.ts";
import { describePublicKey, generateKey, parseKey, type Algorithm, type Curve } from "./keys.ts";
import { encodePrivate } from "./openssh.ts";
import official from "./official.json" with { type: "json" };
import { tlsProvider } from "./provider.ts";

const operation = { signal: new AbortController().signal, progress: () => {} };
const hour = 3_600_000;

/** A provider whose clock the test sets. */
function atTime(start = new Date("2026-01-01T00:00:00Z")) {
  let now = start;
  const provider = tlsProvider("1.0.0", () => now);
  const type = (name: string) => `tls:index/${name[0]!.toLowerCase()}${name.slice(1)}:${name}`;
  return {
    pass: (hours: number) => void (now = new Date(now.getTime() + hours * hour)),
    check: (name: string, news: Properties) => provider.check({ type: type(name), name, news }),
    make: (name: string, inputs: Properties) => provider.create({ ...operation, type: type(name), name, inputs, preview: false }),
    diff: async (name: string, oldInputs: Properties, olds: Properties, news = oldInputs) => {
      const { changes, replaces } = await provider.diff({ type: type(name), name, olds, oldInputs, news });
      return { changes: [...changes.keys()], replaces };
    },
    update: (name: string, olds: Properties, news: Properties) =>
      provider.update({ ...operation, type: type(name), name, olds, news, preview: false }),
    read: (name: string, id: string, inputs: Properties, outputs: Properties) => provider.read({ type: type(name), name, id, inputs, outputs }),
  };
}

/** A key, an authority and a server's certificate, made by the inputs that the official plugin was given for the recording. */
async function chain(clock = atTime()) {
  const recorded = (index: number) => official[index]!.inputs as Properties;
  const key = await clock.make("PrivateKey", recorded(0));
  const login = await clock.make("PrivateKey", recorded(1));
  const pem = key.outputs["privateKeyPem"]!;
  const request = await clock.make("CertRequest", { ...recorded(2), privateKeyPem: pem });
  const authority = await clock.make("SelfSignedCert", { ...recorded(3), privateKeyPem: pem });
  const inputs = {
    ...recorded(4),
    caCertPem: authority.outputs["certPem"]!,
    caPrivateKeyPem: pem,
    certRequestPem: request.outputs["certRequestPem"]!,
  };
  const certificate = await clock.make("LocallySignedCert", inputs);
  return { clock, key, login, request, authority, certificate, inputs };
}

const shapes: [RegExp, string][] = [
  [/^-----BEGIN ([A-Z ]+)-----\n[^]*-----END \1-----\n$/, "<PEM $1>"],
  [/^[0-9a-f]{40}$/, "<sha1>"],
  [/^\d{30,39}$/, "<serial>"],
  [/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, "<time>"],
  [/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/, "<md5>"],
  [/^SHA256:[\w+/]{43}$/, "<sha256>"],
  [/^((?:ssh|ecdsa)-[\w-]+) [\w+/=]+\n$/, "<$1>"],
];

/** What is drawn anew each time by the name of its kind, as in the recording. */
function shapeOf(value: Value): Value {
  if (isSecret(value)) return "<secret>";
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
  if (typeof value !== "string") return value;
  const shape = shapes.find(([pattern]) => pattern.test(value));
  return shape ? value.replace(...shape) : value;
}

describe("stores what the official plugin 5.6.1 stores, but for its framework's own bookkeeping", async () => {
  const made = await chain();
  test.each([["key", 0], ["login", 1], ["request", 2], ["authority", 3], ["certificate", 4]] as const)("%s", (name, index) => {
    expect(shapeOf(made[name].id)).toBe(official[index]!.id);
    expect(shapeOf(made[name].outputs)).toEqual(official[index]!.outputs);
  });

  // Public halves of keys that the official plugin drew, with what it made of them.
  test.each([
    ["MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEj31DyjsoIKi5qQXQGPz9xcT7IOF8JjEehZmKbSHP5JhbLtthLsSY+Uk0ADw5StPw+2BqESoNDcskkz+ccnwKfw==",
      "036369b7b419c7ff71be15e5b3d79342974f5aba", "ea:71:98:12:f8:c4:5f:8c:5c:65:92:6a:9d:39:24:3b",
      "SHA256:J78JQ6wAupP+agOz5ke2/cO+pWwYZeEN42BVBSRdRnk",
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI99Q8o7KCCouakF0Bj8/cXE+yDhfCYxHoWZim0hz+SYWy7bYS7EmPlJNAA8OUrT8PtgahEqDQ3LJJM/nHJ8Cn8=\n"],
    ["MCowBQYDK2VwAyEAgvnr5CoSzth+oean62/cBptOp+jDB7J+0QlnkHEbLUc=",
      "6b3edf28a27989672f3c075de7c9988d759ae4d0", "f9:fa:7f:c8:04:2c:81:47:95:17:95:52:b0:9d:ff:0b",
      "SHA256:jSukr+lhreXe8+uZ70PaqF7kQjoqzicLM3GlPc/ehHI",
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIL56+QqEs7YfqHmp+tv3AabTqfowweyftEJZ5BxGy1H\n"],
  ])("public key %#", (der, id, publicKeyFingerprintMd5, publicKeyFingerprintSha256, publicKeyOpenssh) => {
    const described = describePublicKey(createPublicKey({ key: Buffer.from(der, "base64"), format: "der", type: "spki" }));
    expect(described).toMatchObject({ id, outputs: { publicKeyFingerprintMd5, publicKeyFingerprintSha256, publicKeyOpenssh } });
  });
});

test("certificates say what was asked for, and their authority vouches for them", async () => {
  const { authority, certificate, key } = await chain();
  const root = new X509Certificate(authority.outputs["certPem"] as string);
  const leaf = new X509Certificate(certificate.outputs["certPem"] as string);
  expect(root.ca).toBe(true);
  expect(root.checkIssued(root)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.checkPrivateKey(parseKey(reveal(key.outputs["privateKeyPem"]!) as string).key)).toBe(true);
  expect(leaf.subject).toBe("CN=server");
  expect([leaf.checkHost("a.example"), leaf.checkHost("b.example"), leaf.checkIP("fd00::1")]).toEqual(["a.example", undefined, "fd00::1"]);
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect([leaf.validFrom, leaf.validTo].map((time) => new Date(time).toISOString())).toEqual(["2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"]);
  expect(BigInt(`0x${leaf.serialNumber}`).toString()).toBe(certificate.id);
});

describe("renewal", () => {
  const none = { changes: [], replaces: [] };
  const renewed = { changes: ["readyForRenewal"], replaces: ["readyForRenewal"] };

  test("a certificate is replaced once it ends within earlyRenewalHours, and not before", async () => {
    const { clock, certificate, inputs } = await chain();
    const look = () => clock.diff("LocallySignedCert", inputs, certificate.outputs);
    expect(await look()).toEqual(none);
    clock.pass(8760 - 2920 - 1);
    expect(await look()).toEqual(none);
    expect((await clock.read("LocallySignedCert", certificate.id, inputs, certificate.outputs)).outputs["readyForRenewal"]).toBe(false);
    clock.pass(1);
    expect(await look()).toEqual(renewed);
    expect((await clock.read("LocallySignedCert", certificate.id, inputs, certificate.outputs)).outputs["readyForRenewal"]).toBe(true);
    const again = await clock.make("LocallySignedCert", inputs);
    expect(await clock.diff("LocallySignedCert", inputs, again.outputs)).toEqual(none);
  });

  test("an authority is renewed likewise, and keeps its key", async () => {
    const { clock, authority, key, certificate } = await chain();
    const inputs = { ...(official[3]!.inputs as Properties), privateKeyPem: key.outputs["privateKeyPem"]! };
    clock.pass(87600 - 29200);
    expect(await clock.diff("SelfSignedCert", inputs, authority.outputs)).toEqual(renewed);
    const again = new X509Certificate((await clock.make("SelfSignedCert", inputs)).outputs["certPem"] as string);
    // What the earlier certificate signed is good with the new one, too.
    expect(new X509Certificate(certificate.outputs["certPem"] as string).checkIssued(again)).toBe(true);
  });

  test("when to renew can change in place", async () => {
    const { clock, certificate, inputs } = await chain();
    const news = { ...inputs, earlyRenewalHours: 100 };
    expect(await clock.diff("LocallySignedCert", inputs, certificate.outputs, news)).toEqual({ changes: ["earlyRenewalHours"], replaces: [] });
    expect(await clock.update("LocallySignedCert", certificate.outputs, news)).toEqual({ ...certificate.outputs, earlyRenewalHours: 100 });
  });
});

describe("what is made stays", () => {
  test.each<[string, Properties, Properties, string[]]>([
    ["PrivateKey", { algorithm: "ED25519" }, { algorithm: "ED25519", rsaBits: 2048, ecdsaCurve: "P224" }, []],
    ["PrivateKey", { algorithm: "ED25519" }, { algorithm: secret("ED25519") }, []],
    ["PrivateKey", { algorithm: "ECDSA" }, { algorithm: "ECDSA", ecdsaCurve: "P256" }, ["ecdsaCurve"]],
    ["PrivateKey", { algorithm: "ED25519" }, { algorithm: UNKNOWN }, ["algorithm"]],
  ])("%s %j -> %j", async (name, olds, news, replaces) => {
    expect((await atTime().diff(name, olds, olds, news)).replaces).toEqual(replaces);
  });
});

test.each<[string, Properties, string, RegExp]>([
  ["PrivateKey", { algorithm: "DSA" }, "algorithm", /RSA/],
  ["PrivateKey", { algorithm: "ECDSA", ecdsaCurve: "P1" }, "ecdsaCurve", /P256/],
  ["PrivateKey", { algorithm: "ECDSA", colour: "red" }, "", /colour/],
  ["CertRequest", { privateKeyPem: "k", ipAddresses: ["300.1.1.1"] }, "ipAddresses.0", /no IP address/],
  ["SelfSignedCert", { privateKeyPem: "k", validityPeriodHours: -1, allowedUses: [] }, "validityPeriodHours", /0/],
  ["SelfSignedCert", { privateKeyPem: "k", validityPeriodHours: 1, allowedUses: ["fun"] }, "allowedUses.0", /must be one of .*client_auth/],
])("%s refuses %j", async (name, news, property, reason) => {
  expect((await atTime().check(name, news)).failures).toMatchObject([{ property, reason: expect.stringMatching(reason) as string }]);
});

test("OpenSSH's format holds the key, whatever bytes it has", () => {
  const sound = (algorithm: Algorithm, ecdsaCurve: Curve) => {
    const key = generateKey({ algorithm, ecdsaCurve, rsaBits: 2048 });
    const parsed = ssh2.utils.parseKey(encodePrivate(key)!);
    const open = ssh2.utils.parseKey(describePublicKey(createPublicKey(key)).outputs.publicKeyOpenssh);
    if (parsed instanceof Error || open instanceof Error) return false;
    const signature = parsed.sign("words");
    return !(signature instanceof Error) && open.verify("words", signature) === true;
  };
  fc.assert(fc.property(fc.constantFrom("ECDSA", "ED25519"), fc.constantFrom("P256", "P384", "P521"), sound), { numRuns: 300 });
  expect(sound("RSA", "P224")).toBe(true);
});
