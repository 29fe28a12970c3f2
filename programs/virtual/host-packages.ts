import { existsSync } from "node:fs";
import { which } from "../../shell/which.ts";
import { installPackages } from "../debian.ts";
import { readyBuilder } from "../image-builder.ts";
import { progress } from "./progress.ts";

/** Programs that the local stack runs on this host, and the Debian packages that have them. None of these packages brings a daemon. */
const programs: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  ip: "iproute2",
  ssh: "openssh-client",
  // What a client emulator is used with.
  curl: "curl",
  dig: "bind9-dnsutils",
};

/** The Debian packages that the local stack needs on this host and that are not there. */
export async function missingPackages(): Promise<string[]> {
  const missing = Object.entries(programs).flatMap(([program, name]) => (which(program) ? [] : [name]));
  if (!existsSync("/usr/share/keyrings/debian-archive-keyring.gpg")) missing.push("debian-archive-keyring");
  if ((await readyBuilder()) === undefined) missing.push("buildah");
  return missing;
}

/** Makes sure that the programs which the local stack needs are installed. Throws one error with the command to run if it cannot. */
export async function hostPackages(): Promise<{ installed: string[] }> {
  const missing = await missingPackages();
  if (missing.length === 0) return { installed: [] };

  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (!which("apt-get")) throw new Error(`the local stack needs programs that are not installed; on Debian or Ubuntu: ${command}`);
  if (process.getuid?.() !== 0) throw new Error(`the local stack needs Debian packages: sudo ${command}`);
  progress(`installing ${missing.join(", ")}`);
  await installPackages(missing);
  return { installed: missing };
}
