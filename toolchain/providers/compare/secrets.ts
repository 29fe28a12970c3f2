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
  const texts = [...new Set(secretTexts(exported as Value))].filter((text) => text.length >= SHORTEST);
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

function keyLines(text: string): string[] {
  const blocks = text.matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)-----END/g);
  return [...blocks].flatMap(([, body = ""]) => body.split(/\\n|\n/)).filter((line) => line !== "");
}
