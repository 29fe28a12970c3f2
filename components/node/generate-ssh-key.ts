// The command behind ssh-key.ts: reads a comment on standard input and prints a fresh ed25519 key pair with it as JSON, in OpenSSH's formats.
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";

const comment = (await text(process.stdin)).trim();
let pair: { private: string; public: string };
do {
  pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
} while (!isSound(pair));
process.stdout.write(JSON.stringify({ private: pair.private, public: pair.public }));

/** Whether the halves match: ssh2 1.17 writes about one key in 256 a byte too short, one that begins with a zero. */
function isSound(pair: { private: string; public: string }): boolean {
  const [secret, open] = [ssh2.utils.parseKey(pair.private), ssh2.utils.parseKey(pair.public)];
  if (secret instanceof Error || open instanceof Error) return false;
  const signature = secret.sign("");
  return !(signature instanceof Error) && open.verify("", signature) === true;
}
