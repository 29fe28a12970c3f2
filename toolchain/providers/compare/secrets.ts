/** Secrets of a stack that stand in its stored state in plain text. */

import { isMap, isSecret, type Value } from "../shared/properties.ts";

/** Shorter texts are found by chance. */
const SHORTEST = 16;

/**
 * The secrets that can be read from a state as it is stored.
 * @param exported the deployment as `pulumi stack export --show-secrets` has it
 * @param stored the same as the backend stores it
 */
export function readableSecrets(exported: unknown, stored: string): string[] {
  const known = publicKeys(exported as Value);
  const isPublic = (text: string): boolean => {
    const octets = Buffer.from(text, "base64");
    // What is no base64 decodes to nearly nothing, which is in every key.
    return octets.length >= (SHORTEST * 3) / 4 && known.some((key) => key.includes(octets));
  };
  const texts = [...new Set(secretTexts(exported as Value))].filter((text) => text.length >= SHORTEST && !isPublic(text));
  return texts.filter((text) => stored.includes(text) || stored.includes(JSON.stringify(text).slice(1, -1)));
}

/** The texts that a state marks as secret, each with what it would be in base64, and with the lines of private keys in it. */
function secretTexts(value: Value): string[] {
  if (Array.isArray(value)) return value.flatMap(secretTexts);
  if (!isMap(value)) return [];
  if (!isSecret(value)) return Object.values(value).flatMap(secretTexts);
  const revealed = JSON.parse(String(value["plaintext"])) as Value;
  return typeof revealed === "string" ? [revealed, Buffer.from(revealed).toString("base64"), ...keyLines(revealed)] : secretTexts(revealed);
}

/** The public keys that a state has. A private key in PEM has lines of nothing but its public one, which then stand in certificates, too. */
function publicKeys(value: Value): Buffer[] {
  if (typeof value === "string") {
    const found = value.matchAll(/-----BEGIN PUBLIC KEY-----([^-]*)-----END|(?:ssh|ecdsa)-\S+ (\S+)/g);
    return [...found].map(([, pem, openssh]) => Buffer.from(pem ?? openssh ?? "", "base64"));
  }
  if (Array.isArray(value)) return value.flatMap(publicKeys);
  return isMap(value) && !isSecret(value) ? Object.values(value).flatMap(publicKeys) : [];
}

function keyLines(text: string): string[] {
  const blocks = text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)-----END/g);
  return [...blocks].flatMap(([, body = ""]) => body.split(/\\n|\n/)).filter((line) => line !== "");
}
