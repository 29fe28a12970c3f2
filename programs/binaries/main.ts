// The command behind binaries.ts: streams a product's binaries to a host over SSH, unless it has them already.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { Client } from "ssh2";
import { z } from "zod";
import { isProductName } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";

const spec = z.object({
  product: z.string().refine(isProductName),
  arch: z.enum(["amd64", "arm64"]),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  connection: z.object({
    host: z.string(),
    port: z.number().default(22),
    user: z.string(),
    privateKey: z.string(),
    hostKey: z.string().optional(),
  }),
});

const { product, arch, digest: wanted, connection } = spec.parse(JSON.parse(await text(process.stdin)));
const link = `/opt/peak/${product}`;
const client = new Client();
client.connect({
  host: connection.host,
  port: connection.port,
  username: connection.user,
  privateKey: connection.privateKey,
  readyTimeout: 30_000,
  algorithms: { cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"] },
  ...(connection.hostKey !== undefined && { hostVerifier: (key: Buffer) => connection.hostKey!.split(" ")[1] === key.toString("base64") }),
});
await once(client, "ready");
try {
  if (process.argv[2] === "remove") await run(`rm -rf ${link} ${link}-*`);
  else process.stdout.write(await push());
} finally {
  client.end();
}

/** Brings the binaries there. Returns their digest. */
async function push(): Promise<string> {
  const there = (await run(`cat ${link}/digest 2>/dev/null || :`)).trim();
  if (there === wanted) return wanted;
  // The cache may have been emptied since, and another build of the same sources may have another digest: what counts is what is here now.
  const { dir, digest } = await provide(product, arch);
  if (there === digest) return digest;
  const target = `${link}-${digest.slice(0, 16)}`;
  const tar = spawn("tar", ["-C", dir, "-c", "bin"], { stdio: ["ignore", "pipe", "inherit"] });
  // tar reads no further than the archive's end: what pads it has to be taken too, or the channel closes while it is still being sent.
  await run(`set -e; rm -rf ${target}.part; mkdir -p ${target}.part; tar -x -C ${target}.part; cat > /dev/null
    echo ${digest} > ${target}.part/digest
    rm -rf ${target}; mv ${target}.part ${target}; ln -sfn ${target} ${link}.new; mv -T ${link}.new ${link}
    for old in ${link}-*; do [ "$old" = ${target} ] || rm -rf "$old"; done`, tar.stdout);
  return digest;
}

/** Runs a command on the host, with what the stream has as its input. Returns what it said. @throws Error with its errors when it fails */
function run(command: string, input?: Readable): Promise<string> {
  return new Promise((resolve, reject) => client.exec(command, (error, channel) => {
    if (error) return reject(error);
    // Attached at once: a quick command's last words come in the same packet as the channel.
    const outcome = Promise.all([once(channel, "close") as Promise<[number?]>, text(channel), text(channel.stderr)]);
    const sent = input ? pipeline(input, channel.stdin) : channel.stdin.end();
    Promise.all([outcome, Promise.allSettled([sent])]).then(([[[code], output, errors], [sending]]) => {
      // Who fails reads no further: why stands in its own words.
      if (code !== 0) {
        const ending = code === undefined ? "connection lost" : `exit code ${code}`;
        reject(new Error(`${connection.host}: ${ending}: ${errors.trim()}`));
      } else if (sending.status === "rejected") reject(sending.reason);
      else resolve(output);
    }, reject);
  }));
}
