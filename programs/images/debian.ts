import { run } from "../../shell/run.ts";
import type { Arch } from "../../toolchain/products.ts";

/** Debian packages with their versions, by name. */
export type DebianVersions = Readonly<Record<string, string>>;

/**
 * Which versions Debian has at this moment of some packages and of all that they depend on. Only package lists are downloaded.
 * @throws Error when they cannot be had
 */
export async function lookUpVersions(suite: string, arch: Arch, packages: readonly string[], signal: AbortSignal): Promise<DebianVersions> {
  const args = [
    "--simulate",
    "--verbose",
    "--variant=extract",
    `--architectures=${arch}`,
    `--include=${packages.join(",")}`,
    // Somebody waits: whoever is offline is told so soon.
    '--aptopt=Acquire::http::Timeout "10"',
    '--aptopt=Acquire::Retries "1"',
    suite,
    "/dev/null",
  ];
  // apt's output is read, and mmdebstrap passes it on through standard error.
  let said = "";
  await run("mmdebstrap", args, { signal, env: { ...process.env, LC_ALL: "C" }, onLine: (line) => (said += `${line}\n`) });
  const versions = parseSimulation(said);
  const missing = packages.filter((name) => !Object.hasOwn(versions, name));
  if (missing.length > 0) throw new Error(`Debian ${suite} has no ${missing.join(", ")}`);
  return versions;
}

/** The versions in what `apt-get --simulate install` prints, sorted by name. Pure. */
export function parseSimulation(text: string): DebianVersions {
  const found = [...text.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => [name!, version!] as const);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
