import "reflect-metadata"; // needed by @peculiar/x509
import * as x509 from "@peculiar/x509";
import { createPrivateKey, KeyObject, randomBytes, webcrypto } from "node:crypto";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  certificate: string;
  /** PKCS #8. */
  key: string;
}

/** Who a certificate is for, and what it may be used for. */
export interface Subject {
  commonName: string;
  /** The O attribute: Kubernetes reads it as the group. */
  organization?: string;
  /** Names and addresses of a server. */
  dns?: string[];
  ip?: string[];
  usages: ("server" | "client")[];
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const lifetimeYears = 10;

/** Makes a certificate authority: a fresh key with a self-signed certificate. */
export async function issueAuthority(commonName: string): Promise<KeyPair> {
  const keys = await generate();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: name(commonName),
    keys,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate, keys.privateKey);
}

/** Issues a certificate with a fresh key, signed by the authority. */
export async function issueCertificate(authority: KeyPair, subject: Subject): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = createPrivateKey(authority.key).toCryptoKey(algorithm, false, ["sign"]);
  const keys = await generate();
  const names = [
    ...(subject.dns ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(subject.ip ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const usage = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString("hex"),
    subject: name(subject.commonName, subject.organization),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(subject.usages.map((kind) => usage[kind])),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return pem(certificate, keys.privateKey);
}

/** A key pair for signing Kubernetes service account tokens; `certificate` holds the bare public key. */
export async function issueSigningKey(): Promise<KeyPair> {
  const keys = await generate();
  return { certificate: KeyObject.from(keys.publicKey).export({ type: "spki", format: "pem" }) as string, key: privatePem(keys.privateKey) };
}

async function generate(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
}

function name(commonName: string, organization?: string): x509.JsonName {
  return [...(organization === undefined ? [] : [{ O: [organization] }]), { CN: [commonName] }];
}

function validity(): { notBefore: Date; notAfter: Date } {
  // A day of grace for boards whose clock is behind: a Raspberry Pi starts before it knows the time.
  const notBefore = new Date(Date.now() - 24 * 3600 * 1000);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + lifetimeYears);
  return { notBefore, notAfter };
}

function pem(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): KeyPair {
  return { certificate: `${certificate.toString("pem")}\n`, key: privatePem(key) };
}

function privatePem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }) as string;
}
