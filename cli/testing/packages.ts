import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type RunOptions, succeeds } from "../../shell/run.ts";
import { which } from "../../shell/which.ts";
import { CliError } from "../errors.ts";
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

/**
 * Installs the Debian packages that tests need and that are missing. None of their services is started or enabled.
 * @throws CliError with the command to run where it cannot
 */
export async function installTestPackages(): Promise<void> {
  if (!(await succeeds(process.execPath, [join(root, "programs", "virtual", "main.ts"), "host-packages"], aloud)))
    throw new CliError("the packages of the local stack could not be installed");

  const path = [process.env["PATH"], "/usr/sbin", "/sbin"].join(delimiter);
  const missing = programs.filter(({ program }) => which(program, path) === undefined);
  if (missing.length === 0) return;
  const install = ["install", "--yes", "--quiet", "--no-install-recommends", ...missing.map(({ name }) => name)];
  if (process.getuid?.() !== 0 || which("apt-get") === undefined)
    throw new CliError(`these tests need Debian packages: apt-get ${install.join(" ")}`);

  process.stderr.write(`installing ${missing.map(({ name }) => name).join(", ")}\n`);
  const ours = !existsSync(POLICY);
  if (ours) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    if (!(await apt(install)) && !((await apt(["update", "--quiet"])) && (await apt(install)))) throw new CliError(`apt-get ${install.join(" ")} failed`);
  } finally {
    if (ours) rmSync(POLICY);
  }
  const units = missing.flatMap((program) => program.units);
  if (which("systemctl") !== undefined) await succeeds("systemctl", ["disable", "--quiet", ...units]);
}

function apt(args: readonly string[]): Promise<boolean> {
  return succeeds("apt-get", args, { ...aloud, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
}
