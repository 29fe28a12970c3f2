// The command behind ssh-key.ts: prints a fresh ed25519 key pair as JSON, in OpenSSH's formats, with the comment that it reads on standard input.
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";

const comment = (await text(process.stdin)).trim();
const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
process.stdout.write(JSON.stringify({ private: pair.private, public: pair.public }));
