// The command behind binaries.ts: streams a product's binaries to a host over SSH, unless it has them already.
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { isProductName } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";
import { connectionSpec, withSession, type Session } from "../ssh.ts";

const spec = z.object({
  product: z.string().refine(isProductName),
  arch: z.enum(["amd64", "arm64"]),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  connection: connectionSpec,
});

const { product, arch, digest: wanted, connection } = spec.parse(JSON.parse(await text(process.stdin)));
const link = `/opt/peak/${product}`;
await withSession(connection, 30, async ({ run }) => {
  if (process.argv[2] === "remove") await run(`rm -rf ${link} ${link}-*; rmdir /opt/peak 2>/dev/null || :`);
  else process.stdout.write(await push(run));
});

/** Brings the binaries there. Returns their digest. */
async function push(run: Session["run"]): Promise<string> {
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
