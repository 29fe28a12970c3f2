import "reflect-metadata"; // needed by @peculiar/x509
import * as x509 from "@peculiar/x509";
import { createHash, createPublicKey, randomBytes, type KeyObject, type webcrypto } from "node:crypto";
import { encodeSubject, type SubjectInputs } from "./subject.ts";

const keyUsages = {
  digital_signature: x509.KeyUsageFlags.digitalSignature,
  content_commitment: x509.KeyUsageFlags.nonRepudiation,
  key_encipherment: x509.KeyUsageFlags.keyEncipherment,
  data_encipherment: x509.KeyUsageFlags.dataEncipherment,
  key_agreement: x509.KeyUsageFlags.keyAgreement,
  cert_signing: x509.KeyUsageFlags.keyCertSign,
  crl_signing: x509.KeyUsageFlags.cRLSign,
  encipher_only: x509.KeyUsageFlags.encipherOnly,
  decipher_only: x509.KeyUsageFlags.decipherOnly,
} as const;

const extendedKeyUsages = {
  any_extended: "2.5.29.37.0",
  server_auth: x509.ExtendedKeyUsage.serverAuth,
  client_auth: x509.ExtendedKeyUsage.clientAuth,
  code_signing: x509.ExtendedKeyUsage.codeSigning,
  email_protection: x509.ExtendedKeyUsage.emailProtection,
  ipsec_end_system: "1.3.6.1.5.5.7.3.5",
  ipsec_tunnel: "1.3.6.1.5.5.7.3.6",
  ipsec_user: "1.3.6.1.5.5.7.3.7",
  timestamping: x509.ExtendedKeyUsage.timeStamping,
  ocsp_signing: x509.ExtendedKeyUsage.ocspSigning,
  microsoft_server_gated_crypto: "1.3.6.1.4.1.311.10.3.3",
  netscape_server_gated_crypto: "2.16.840.1.113730.4.1",
  microsoft_commercial_code_signing: "1.3.6.1.4.1.311.2.1.22",
  microsoft_kernel_code_signing: "1.3.6.1.4.1.311.61.1.1",
} as const;

/** What a certificate may be used for, as the inputs name it. */
export const uses = [...Object.keys(keyUsages), ...Object.keys(extendedKeyUsages)] as [string, ...string[]];

/** Whom a certificate is for. */
export interface Names {
  readonly subject?: SubjectInputs | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
}

/** What a certificate says beside its names. */
export interface Terms {
  readonly allowedUses: readonly string[];
  readonly validityPeriodHours: number;
  readonly isCaCertificate: boolean;
  readonly maxPathLength?: number | undefined;
  readonly setSubjectKeyId: boolean;
}

export interface Issued {
  /** The serial number, in decimal. */
  readonly id: string;
  readonly certPem: string;
  readonly validityStartTime: string;
  readonly validityEndTime: string;
}

/** A signed request for a certificate of `key`. */
export async function requestCertificate(key: KeyObject, names: Names): Promise<{ id: string; certRequestPem: string }> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: new x509.Name(encodeSubject(names.subject)),
    keys: { privateKey: cryptoKey(key, "sign"), publicKey: cryptoKey(createPublicKey(key), "verify") },
    signingAlgorithm: algorithmOf(key),
    extensions: alternativeNames(names),
  });
  return { id: createHash("sha1").update(Buffer.from(request.rawData)).digest("hex"), certRequestPem: `${request.toString("pem")}\n` };
}

/** Issues a certificate for what a request asks for, signed by an authority. */
export async function signRequest(requestPem: string, authorityPem: string, authorityKey: KeyObject, terms: Terms, now: Date): Promise<Issued> {
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  const authority = new x509.X509Certificate(authorityPem);
  const open = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: "der", type: "spki" });
  const names = request.extensions.filter(({ type }) => type === "2.5.29.17");
  const identifier = authority.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  return issue({
    open, signingKey: authorityKey, subject: request.subjectName, issuer: authority.subjectName, terms, now,
    extensions: [...(identifier === undefined ? [] : [new x509.AuthorityKeyIdentifierExtension(identifier)]), ...names],
  });
}

/** Issues a certificate that its own key has signed. */
export async function signItself(key: KeyObject, names: Names, terms: Terms & { setAuthorityKeyId: boolean }, now: Date): Promise<Issued> {
  const subject = new x509.Name(encodeSubject(names.subject));
  if (terms.setAuthorityKeyId && !terms.isCaCertificate && !terms.setSubjectKeyId) {
    throw new Error("setAuthorityKeyId needs a subject key identifier: set setSubjectKeyId or isCaCertificate too");
  }
  const open = createPublicKey(key);
  return issue({
    open, signingKey: key, subject, issuer: subject, terms, now,
    extensions: [...(terms.setAuthorityKeyId ? [new x509.AuthorityKeyIdentifierExtension(await keyId(open))] : []), ...alternativeNames(names)],
  });
}

interface Template {
  open: KeyObject;
  signingKey: KeyObject;
  subject: x509.Name;
  issuer: x509.Name;
  terms: Terms;
  now: Date;
  extensions: x509.Extension[];
}

async function issue({ open, signingKey, subject, issuer, terms, now, extensions }: Template): Promise<Issued> {
  if (terms.isCaCertificate && subject.toString() === "") throw new Error("the certificate of an authority needs a subject");
  const notAfter = new Date(now.getTime() + terms.validityPeriodHours * 3_600_000);
  const flags = terms.allowedUses.reduce((sum, use) => sum | (keyUsages[use as keyof typeof keyUsages] ?? 0), 0);
  const extended = terms.allowedUses.flatMap((use) => extendedKeyUsages[use as keyof typeof extendedKeyUsages] ?? []);
  // The official plugin cannot say 0: its library takes that for no limit.
  const pathLength = terms.isCaCertificate && (terms.maxPathLength ?? -1) > 0 ? terms.maxPathLength : undefined;
  const serial = randomBytes(16);
  serial[0]! &= 0x7f;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString("hex"),
    subject,
    issuer,
    publicKey: cryptoKey(open, "verify"),
    signingKey: cryptoKey(signingKey, "sign"),
    signingAlgorithm: algorithmOf(signingKey),
    notBefore: now,
    notAfter,
    extensions: [
      ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
      ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
      new x509.BasicConstraintsExtension(terms.isCaCertificate, pathLength, true),
      ...(terms.isCaCertificate || terms.setSubjectKeyId ? [new x509.SubjectKeyIdentifierExtension(await keyId(open))] : []),
      ...extensions,
    ],
  });
  return {
    id: BigInt(`0x${serial.toString("hex")}`).toString(),
    certPem: `${certificate.toString("pem")}\n`,
    validityStartTime: now.toISOString(),
    validityEndTime: notAfter.toISOString(),
  };
}

function alternativeNames({ dnsNames = [], ipAddresses = [], uris = [] }: Names): x509.Extension[] {
  const names = [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
    ...uris.map((value) => ({ type: "url" as const, value })),
  ];
  return names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
}

/** SHA-1 of the bare public key, in hexadecimal (RFC 5280, 4.2.1.2). */
async function keyId(open: KeyObject): Promise<string> {
  return (await x509.SubjectKeyIdentifierExtension.create(cryptoKey(open, "verify"))).keyId;
}

function algorithmOf(key: KeyObject): webcrypto.EcdsaParams & webcrypto.EcKeyAlgorithm {
  const hash = { prime256v1: "SHA-256", secp384r1: "SHA-384", secp521r1: "SHA-512" }[key.asymmetricKeyDetails?.namedCurve ?? ""] ?? "SHA-256";
  const namedCurve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[key.asymmetricKeyDetails?.namedCurve ?? ""];
  switch (key.asymmetricKeyType) {
    case "rsa": return { name: "RSASSA-PKCS1-v1_5", hash } as never;
    case "ed25519": return { name: "Ed25519" } as never;
    default:
      if (namedCurve) return { name: "ECDSA", namedCurve, hash };
      throw new Error("the bundled tls plugin makes no certificates for keys on the curve P224; use P256");
  }
}

function cryptoKey(key: KeyObject, use: "sign" | "verify"): webcrypto.CryptoKey {
  return key.toCryptoKey(algorithmOf(key), true, [use]);
}

