import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { encodePrivate, encodePublic } from "./openssh.ts";

/** Algorithms and curves as the inputs name them. */
export const algorithms = ["RSA", "ECDSA", "ED25519"] as const;
export type Algorithm = (typeof algorithms)[number];
export const curves = ["P224", "P256", "P384", "P521"] as const;
export type Curve = (typeof curves)[number];

export interface KeyRequest {
  readonly algorithm: Algorithm;
  /** Used by ECDSA. */
  readonly ecdsaCurve: Curve;
  /** Used by RSA. */
  readonly rsaBits: number;
}

/** Draws a private key. */
export function generateKey({ algorithm, ecdsaCurve, rsaBits }: KeyRequest): KeyObject {
  switch (algorithm) {
    case "RSA": return generateKeyPairSync("rsa", { modulusLength: rsaBits }).privateKey;
    case "ECDSA": return generateKeyPairSync("ec", { namedCurve: ecdsaCurve.replace("P", "P-") }).privateKey;
    case "ED25519": return generateKeyPairSync("ed25519").privateKey;
  }
}

/** All that the state keeps of a key. */
export function describeKey(key: KeyObject) {
  const { id, outputs } = describePublicKey(createPublicKey(key));
  return {
    id,
    outputs: {
      privateKeyPem: traditional(key),
      privateKeyPemPkcs8: key.export({ type: "pkcs8", format: "pem" }) as string,
      privateKeyOpenssh: encodePrivate(key) ?? "",
      ...outputs,
    },
  };
}

/** What everybody may know of a key. What SSH has no name for (P224) is empty there. */
export function describePublicKey(key: KeyObject) {
  const blob = encodePublic(key);
  const digest = (algorithm: string) => createHash(algorithm).update(blob ?? "").digest();
  return {
    id: createHash("sha1").update(key.export({ type: "spki", format: "der" })).digest("hex"),
    outputs: {
      publicKeyPem: key.export({ type: "spki", format: "pem" }) as string,
      publicKeyOpenssh: blob ? `${sshName(blob)} ${blob.toString("base64")}\n` : "",
      publicKeyFingerprintMd5: blob ? digest("md5").toString("hex").replace(/..(?!$)/g, "$&:") : "",
      publicKeyFingerprintSha256: blob ? `SHA256:${digest("sha256").toString("base64").replace(/=+$/, "")}` : "",
    },
  };
}

/** Reads a private key in PEM. @throws Error when it is none */
export function parseKey(pem: string): { key: KeyObject; algorithm: Algorithm } {
  const key = createPrivateKey(pem);
  const algorithm = ({ rsa: "RSA", ec: "ECDSA", ed25519: "ED25519" } as const)[key.asymmetricKeyType as string];
  if (!algorithm) throw new Error(`keys of type ${key.asymmetricKeyType} are not supported`);
  return { key, algorithm };
}

/** PEM in the format that OpenSSL has for this type of key. */
function traditional(key: KeyObject): string {
  const type = ({ rsa: "pkcs1", ec: "sec1" } as const)[key.asymmetricKeyType as string] ?? "pkcs8";
  return key.export({ type, format: "pem" }) as string;
}

function sshName(blob: Buffer): string {
  return blob.subarray(4, 4 + blob.readUInt32BE()).toString();
}
