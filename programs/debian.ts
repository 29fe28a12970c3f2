import { run, type RunOptions } from "../shell/run.ts";

/** The arguments of apt-get that install packages; nobody is asked, and nothing comes that is only recommended. */
export function installArguments(names: readonly string[]): string[] {
  return ["install", "--yes", "--quiet", "--no-install-recommends", ...names];
}

/**
 * Installs Debian packages, as root. Package lists may be missing or older than the registry; they are read anew only then.
 * @throws CommandError when apt-get cannot; the signal's reason
 */
export async function installPackages(names: readonly string[], options: Pick<RunOptions, "signal" | "onLine"> = {}): Promise<void> {
  const apt = (args: readonly string[]) => run("apt-get", args, { ...options, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  await apt(installArguments(names)).catch(async () => {
    options.signal?.throwIfAborted();
    await apt(["update", "--quiet"]);
    await apt(installArguments(names));
  });
}
