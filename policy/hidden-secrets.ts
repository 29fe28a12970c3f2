import { containersOf, type KubernetesObject } from "./kubernetes.ts";
import type { ResourcePolicy } from "./policy.ts";

/** Everybody who may look at a workload or a ConfigMap reads what is in it. */
export const hiddenSecrets: ResourcePolicy = {
  name: "hidden-secrets",
  description: "No secret stands in plain text in a ConfigMap or in the value of an environment variable.",
  enforcementLevel: "mandatory",
  violations: (resource) => [...environmentViolations(resource), ...configMapViolations(resource)],
};

function environmentViolations(resource: KubernetesObject): string[] {
  return containersOf(resource).flatMap(({ container, place }) =>
    (container.env ?? []).flatMap(({ name = "", value }) => {
      const what = value === undefined ? undefined : secretIn(name, value);
      return what === undefined ? [] : [`${place}: environment variable ${name} ${what}; use valueFrom.secretKeyRef`];
    }),
  );
}

function configMapViolations({ kind, data, binaryData }: KubernetesObject): string[] {
  if (kind !== "ConfigMap") return [];
  const decoded = Object.entries(binaryData ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString("latin1")] as const);
  return [...Object.entries(data ?? {}), ...decoded].flatMap(([key, value]) => {
    const what = secretIn(key, value);
    return what === undefined ? [] : [`key ${key} ${what}; put it into a Secret`];
  });
}

const SECRET_NAME = /PASSWORD|PASSWD|TOKEN|SECRET|KEY/i;
// Such a name says where a secret is, or which one.
const NAME_OF_REFERENCE = /(FILE|PATH|DIR|NAME|ID|ALGORITHM)$|PUBLIC.?KEY/i;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const JWT = /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/;
// What looks random and is public: certificates and public keys, in PEM or OpenSSH form, and digests with their algorithm.
const PUBLIC = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----|\b(?:ssh|ecdsa)-[\w-]+ [\w+/=]+.*|\bsha\d+[:-][\w+/=]+/g;
const LONG_WORD = /[\w+/-]{32,}={0,2}/g;
// Random base64 of 32 characters and more lies above this, names and hexadecimal digests below.
const RANDOM_BITS_PER_CHARACTER = 4.3;

/** What is secret about a named value, as the end of a sentence; undefined when nothing seems to be. */
export function secretIn(name: string, value: string): string | undefined {
  if (PRIVATE_KEY.test(value)) return "has a private key";
  if (JWT.test(value)) return "has a JSON Web Token";
  if (value !== "" && SECRET_NAME.test(name) && !NAME_OF_REFERENCE.test(name) && !isPublicOnly(value)) return "has the name of a secret";
  return (value.replace(PUBLIC, "").match(LONG_WORD) ?? []).some(isRandom) ? "has a long random string" : undefined;
}

function isPublicOnly(value: string): boolean {
  return value.replace(PUBLIC, "").trim() === "";
}

function isRandom(word: string): boolean {
  return /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word) && entropy(word) > RANDOM_BITS_PER_CHARACTER;
}

/** Shannon entropy in bits a character. */
function entropy(word: string): number {
  const counts = new Map<string, number>();
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / word.length) * Math.log2(count / word.length), 0);
}
