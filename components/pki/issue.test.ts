import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { issueAuthority, issueCertificate, issueSigningKey } from "./issue.ts";

describe("certificates", async () => {
  const authority = await issueAuthority("test authority");
  const root = new X509Certificate(authority.certificate);
  const subject = { commonName: "server", organization: "group", dns: ["a.example"], ip: ["fd00::1"], usages: ["server" as const] };

  test("an authority signs itself, and may sign others", () => {
    expect(root.ca).toBe(true);
    expect(root.subject).toBe("CN=test authority");
    expect(root.checkIssued(root)).toBe(true);
    expect(root.checkPrivateKey(createPrivateKey(authority.key))).toBe(true);
  });

  test("a certificate is signed by its authority, for its names, addresses and uses", async () => {
    const issued = await issueCertificate(authority, subject);
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.verify(root.publicKey)).toBe(true);
    expect(certificate.checkIssued(root)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.subject.split("\n").sort()).toEqual(["CN=server", "O=group"]);
    expect(certificate.checkHost("a.example")).toBe("a.example");
    expect(certificate.checkIP("fd00::1")).toBe("fd00::1");
    expect(certificate.checkHost("b.example")).toBeUndefined();
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(certificate.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
  });

  test("no two have the same key or serial number", async () => {
    const [a, b] = await Promise.all([issueCertificate(authority, subject), issueCertificate(authority, subject)]);
    expect(a.key).not.toBe(b.key);
    expect(new X509Certificate(a.certificate).serialNumber).not.toBe(new X509Certificate(b.certificate).serialNumber);
  });

  test("valid from a day ago, for ten years", () => {
    expect(new Date(root.validFrom).getTime()).toBeLessThan(Date.now() - 23 * 3600 * 1000);
    expect(new Date(root.validTo).getUTCFullYear() - new Date(root.validFrom).getUTCFullYear()).toBe(10);
  });
});

test("a signing key's halves belong together", async () => {
  const { key, certificate } = await issueSigningKey();
  const signature = sign("sha256", Buffer.from("token"), createPrivateKey(key));
  expect(verify("sha256", Buffer.from("token"), createPublicKey(certificate), signature)).toBe(true);
});
