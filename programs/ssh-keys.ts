import { z } from "zod";

/** The types of keys that a stack makes, with what OpenSSH calls a server's file of each. */
const types: Readonly<Record<string, string>> = { "ssh-ed25519": "ed25519", "ecdsa-sha2-nistp256": "ecdsa" };

/** A public key as in authorized_keys. */
export const publicKey = z.string().regex(new RegExp(`^(${Object.keys(types).join("|")}) [^ \\n]+( [^\\n]*)?$`), "must be one line with a public key");

/** A key pair in OpenSSH's formats. */
export const keyPair = z.strictObject({ private: z.string().startsWith("-----BEGIN OPENSSH PRIVATE KEY-----"), public: publicKey });
export type KeyPair = z.infer<typeof keyPair>;

/** The comment of all public keys that are on a host for its stack: what has it and is no more among the stack's keys is removed. */
export const mark = "peak-stack";

/** A public key with the mark as its comment. */
export function markedKey(key: string): string {
  return `${bare(key)} ${mark}`;
}

/** Algorithm and key, without a comment. */
export function bare(key: string): string {
  return key.split(" ").slice(0, 2).join(" ");
}

/** A private key as OpenSSH reads it from a file: its last line has an end, too. */
export function privateText(key: string): string {
  return `${key.trimEnd()}\n`;
}

/** Where an SSH server has a private key, below the root directory; its public half is in the same place with `.pub`. */
export function hostKeyFile(key: string): string {
  return fileOf(types[key.split(" ")[0]!]!);
}

/** All such files. */
export const hostKeyFiles: readonly string[] = Object.values(types).map(fileOf);

function fileOf(type: string): string {
  return `etc/ssh/ssh_host_${type}_key`;
}
