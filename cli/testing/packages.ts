import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installArguments, installPackages } from "../../programs/debian.ts";
import { CommandError, type RunOptions, succeeds } from "../../shell/run.ts";
import { which } from "../../shell/which.ts";
import { CliError } from "../errors.ts";
import { interruptibly, sayOnStderr } from "../interrupt.ts";
import { root } from "../paths.ts";

/** Programs that tests start for themselves, the Debian packages that have them, and the units that must not run because of that. */
const programs: readonly { program: string; name: string; units: readonly string[] }[] = [
  { program: "sshd", name: "openssh-server", units: ["ssh.service", "ssh.socket"] },
  { program: "docker-registry", name: "docker-registry", units: ["docker-registry.service"] },
  { program: "buildah", name: "buildah", units: [] },
  { program: "runc", name: "runc", units: [] }, // buildah takes it or crun with it
  { program: "knotd", name: "knot", units: ["knot.service"] },
  { program: "nsd", name: "nsd", units: ["nsd.service"] },
  { program: "prometheus", name: "prometheus", units: ["prometheus.service"] },
  { program: "named", name: "bind9", units: ["named.service"] },
  { program: "unbound", name: "unbound", units: ["unbound.service"] },
  { program: "kresd", name: "knot-resolver", units: ["kresd.target", "kresd@1.service", "kres-cache-gc.service"] },
  { program: "nsupdate", name: "bind9-dnsutils", units: [] },
  { program: "knsupdate", name: "knot-dnsutils", units: [] },
  { program: "lego", name: "lego", units: [] },
  { program: "pebble", name: "pebble", units: [] },
  { program: "openssl", name: "openssl", units: [] },
  { program: "dnsviz", name: "dnsviz", units: [] },
  { program: "zonemaster-cli", name: "zonemaster-cli", units: [] },
];

/** What a command has to say is shown. */
const aloud: RunOptions = { onLine: (line) => void process.stderr.write(`${line}\n`) };

/** Asked by Debian's packages whether a service may be started. */
const POLICY = "/usr/sbin/policy-rc.d";

/** By this a later run knows a policy that a killed one has left. */
const MARK = "# made by ./peak test, for as long as it installs packages";

/** Removes the policy that a killed run has left: with it no package could start a service any more. */
export function removeLeftPolicy(file = POLICY): void {
  if (existsSync(file) && readFileSync(file, "utf8").includes(MARK)) rmSync(file);
}

/** Has packages start no service while something is done, however that ends. A policy of somebody else's stays as it is. */
export async function withoutServices(work: () => Promise<void>, file = POLICY): Promise<void> {
  removeLeftPolicy(file);
  if (existsSync(file)) return work();
  const remove = () => rmSync(file, { force: true });
  process.once("exit", remove); // also where a second Ctrl-C ends us at once
  try {
    writeFileSync(file, `#!/bin/sh\n${MARK}\nexit 101\n`, { mode: 0o755 });
    await work();
  } finally {
    remove();
    process.off("exit", remove);
  }
}

/**
 * Installs the Debian packages that tests need and that are missing. None of their services is started or enabled.
 * @throws CliError with the command to run where it cannot
 */
export async function installTestPackages(): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) removeLeftPolicy();
  if (!(await succeeds(process.execPath, [join(root, "programs", "virtual", "main.ts"), "host-packages"], aloud)))
    throw new CliError("the packages of the local stack could not be installed");

  const path = [process.env["PATH"], "/usr/sbin", "/sbin"].join(delimiter);
  const missing = programs.filter(({ program }) => which(program, path) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  const command = `apt-get ${installArguments(names).join(" ")}`;
  if (!isRoot || which("apt-get") === undefined) throw new CliError(`these tests need Debian packages: ${command}`);

  sayOnStderr(`installing ${names.join(", ")}`);
  await interruptibly(sayOnStderr, (signal) => withoutServices(() => installPackages(names, { ...aloud, signal }))).catch((error: unknown) => {
    throw error instanceof CommandError ? new CliError(`${command} failed`) : error;
  });
  const units = missing.flatMap((program) => program.units);
  if (which("systemctl") !== undefined) await succeeds("systemctl", ["disable", "--quiet", ...units]);
}
