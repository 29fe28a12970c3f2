import "reflect-metadata"; // needed by @peculiar/x509
import { X509CertificateGenerator, BasicConstraintsExtension, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { KeyObject, webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CertificateFiles } from "../transport/certificate.ts";

/** The name that the certificates of tests are for. */
export const TEST_HOST = "ns.test";

/**
 * Writes a self-signed certificate and its key to `cert.pem` and `key.pem` in a folder.
 * @param address that it is for, besides the name
 * @returns the paths, and the certificate in PEM
 */
export async function writeCertificate(folder: string, address?: string): Promise<CertificateFiles & { readonly pem: string }> {
  const names: { type: "dns" | "ip"; value: string }[] = [{ type: "dns", value: TEST_HOST }];
  if (address !== undefined) names.push({ type: "ip", value: address });
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${TEST_HOST}`,
    keys,
    notBefore: new Date(Date.now() - 3600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new BasicConstraintsExtension(true), new SubjectAlternativeNameExtension(names)],
  });
  const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const pem = certificate.toString("pem");
  writeFileSync(files.certificate, pem);
  writeFileSync(files.key, KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }));
  return { ...files, pem };
}
