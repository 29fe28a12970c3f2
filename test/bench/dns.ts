/** `npm run bench:dns`: the benchmark of dns-server, with CoreDNS on PATH, which distributions do not package. The flags are its own. */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { hostArch } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";

const { dir } = await provide("coredns", hostArch);
const bench = join(import.meta.dirname, "../../dns-server/bench/dns.ts");
const env = { ...process.env, PATH: [process.env.PATH, join(dir, "bin")].join(delimiter) };
process.exitCode = spawnSync(process.execPath, [bench, ...process.argv.slice(2)], { stdio: "inherit", env }).status ?? 1;
