import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Client } from "ssh2";
import { z } from "zod";

/** How to log in to a host; more than is needed here is let through. */
export const connectionSpec = z.object({
  host: z.string(),
  port: z.number().default(22),
  user: z.string(),
  privateKey: z.string(),
  /** As in authorized_keys. */
  hostKey: z.string(),
});
export type Connection = z.infer<typeof connectionSpec>;

/** A host that one is logged in to. */
export interface Session {
  /** Runs a command, with what the stream has as its input. Returns what it said. @throws Error with its errors when it fails */
  run(command: string, input?: Readable): Promise<string>;
}

/** Logs in to a host, and out again after `use`. @throws Error that names the host */
export async function withSession<T>({ host, port, user, privateKey, hostKey }: Connection, seconds: number, use: (session: Session) => Promise<T>): Promise<T> {
  const client = new Client();
  // A login that fails may do so twice: refused, and then cut off. Once logged in, a lost connection ends the channels, which is where it is noticed.
  client.on("error", () => {});
  client.connect({
    host,
    port,
    username: user,
    privateKey,
    readyTimeout: seconds * 1000,
    // A host that goes away is noticed in a minute.
    keepaliveInterval: 15_000,
    algorithms: { cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"], serverHostKey: [hostKey.split(" ")[0] as "ssh-ed25519"] },
    hostVerifier: (key: Buffer) => hostKey.split(" ")[1] === key.toString("base64"),
  });
  // One that closes before the login tells nothing but that.
  const closed = new Promise<never>((_, reject) => client.once("close", () => reject(new Error("the connection was closed"))));
  closed.catch(() => {});
  try {
    await Promise.race([once(client, "ready"), closed]);
  } catch (error) {
    client.destroy();
    throw new Error(`${host}: cannot log in: ${(error as Error).message}`, { cause: error });
  }
  try {
    return await use({ run: (command, input) => run(client, host, command, input) });
  } finally {
    client.end();
  }
}

function run(client: Client, host: string, command: string, input?: Readable): Promise<string> {
  return new Promise((resolve, reject) => client.exec(command, (error, channel) => {
    if (error) return reject(error);
    // Attached at once: a quick command's last words come in the same packet as the channel.
    const outcome = Promise.all([once(channel, "close") as Promise<[number?]>, text(channel), text(channel.stderr)]);
    const sent = input ? pipeline(input, channel.stdin) : channel.stdin.end();
    Promise.all([outcome, Promise.allSettled([sent])]).then(([[[code], output, errors], [sending]]) => {
      // Who fails reads no further: why stands in its own words.
      if (code !== 0) {
        const ending = code === undefined ? "connection lost" : `exit code ${code}`;
        reject(new Error(`${host}: ${ending}: ${errors.trim()}`));
      } else if (sending.status === "rejected") reject(sending.reason);
      else resolve(output);
    }, reject);
  }));
}
