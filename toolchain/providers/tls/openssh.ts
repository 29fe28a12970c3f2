import { createPublicKey, randomBytes, type KeyObject } from "node:crypto";

/** A public key in SSH's wire format (RFC 4253, 5656, 8709); undefined for a curve that SSH has no name for. Pure. */
export function encodePublic(key: KeyObject): Buffer | undefined {
  const parts = publicParts(key);
  return parts && Buffer.concat(parts);
}

/** A private key in OpenSSH's own format (PROTOCOL.key), neither encrypted nor commented; undefined where `encodePublic` is. */
export function encodePrivate(key: KeyObject): string | undefined {
  const open = encodePublic(createPublicKey(key));
  if (!open) return undefined;
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, ...privateParts(key), string("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"), string("none"), string("none"), string(""), uint32(1), string(open), string(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function publicParts(key: KeyObject): Buffer[] | undefined {
  const type = key.asymmetricKeyType;
  const curve = curveOf(key);
  if (type === "ec" && curve === undefined) return undefined;
  const jwk = key.export({ format: "jwk" });
  if (type === "rsa") return [string("ssh-rsa"), integer(jwk.e), integer(jwk.n)];
  if (type === "ec") return [string(`ecdsa-sha2-${curve}`), string(curve!), string(Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]))];
  return [string("ssh-ed25519"), string(bytes(jwk.x))];
}

/** The public key with what is secret beside it, in the order that OpenSSH has for each type. */
function privateParts(key: KeyObject): Buffer[] {
  const open = publicParts(createPublicKey(key))!;
  const jwk = key.export({ format: "jwk" });
  if (key.asymmetricKeyType === "rsa") {
    return [string("ssh-rsa"), ...[jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(integer)];
  }
  if (key.asymmetricKeyType === "ec") return [...open, integer(jwk.d)];
  return [...open, string(Buffer.concat([bytes(jwk.d), bytes(jwk.x)]))];
}

/** SSH's name of a curve, such as `nistp256`. */
function curveOf(key: KeyObject): string | undefined {
  return ({ prime256v1: "nistp256", secp384r1: "nistp384", secp521r1: "nistp521" } as Record<string, string>)[key.asymmetricKeyDetails?.namedCurve ?? ""];
}

function bytes(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? "", "base64url");
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function string(content: string | Buffer): Buffer {
  const body = Buffer.from(content as string);
  return Buffer.concat([uint32(body.length), body]);
}

/** A positive integer (mpint): no zeros before it, but one where its first bit would be taken for a sign. */
function integer(base64url: string | undefined): Buffer {
  const value = bytes(base64url);
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.alloc(0) : value.subarray(start);
  return string((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}
