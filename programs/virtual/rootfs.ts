import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../shell/run.ts";
import { cached } from "../../toolchain/cache.ts";
import { versions } from "../../toolchain/versions.ts";
import { disabledUnits, nodePackages } from "../../hardware/node-packages.ts";
import { progress } from "./progress.ts";

/** What a node never reads: half of the size. */
const excluded = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];

const prepareUnit = `[Unit]
Description=What a virtual Pi needs to be like any other machine
DefaultDependencies=no
Before=systemd-sysctl.service sysinit.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/peak/prepare-node

[Install]
WantedBy=sysinit.target
`;

/** Path -> content and mode of the files that are added to Debian's. */
const files: Readonly<Record<string, { content: string; mode: number }>> = {
  "/usr/local/lib/peak/prepare-node": { content: readFileSync(join(import.meta.dirname, "prepare-node.sh"), "utf8"), mode: 0o755 },
  "/etc/systemd/system/peak-prepare.service": { content: prepareUnit, mode: 0o644 },
  // /proc/sys as a whole is read-only; the network's part of it is not.
  "/etc/systemd/system/systemd-sysctl.service.d/peak.conf": { content: "[Unit]\nConditionPathIsReadWrite=\n", mode: 0o644 },
  "/etc/systemd/journald.conf.d/peak.conf": { content: "[Journal]\nSystemMaxUse=64M\n", mode: 0o644 },
  "/etc/ssh/sshd_config.d/peak.conf": {
    content: [
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "UseDNS no",
      // Many components log in at once.
      "MaxStartups 100",
      "MaxSessions 100",
      "",
    ].join("\n"),
    mode: 0o644,
  },
  "/etc/resolv.conf": { content: "# A node asks no resolver.\n", mode: 0o644 },
};

/** Cache key of the root file system: changes with whatever it is made of. */
export function rootfsKey(arch: string = process.arch): string {
  const hash = createHash("sha256").update(JSON.stringify([versions.debian, nodePackages, disabledUnits, excluded, files]));
  return `virtual-pi-${versions.debian}-${arch}-${hash.digest("hex").slice(0, 16)}`;
}

/** Directory with the root file system that all virtual Pis share as their lower layer; made with mmdebstrap the first time. */
export function rootfs(): Promise<string> {
  return cached(
    rootfsKey(),
    async (directory) => {
      progress(`building the virtual Pis' root file system: Debian ${versions.debian}, ${nodePackages.length} packages and what they need`);
      await build(directory);
    },
    { onWait: () => progress("waiting for another run that builds the virtual Pis' root file system") },
  );
}

async function build(directory: string): Promise<void> {
  await run("mmdebstrap", [
    "--mode=root",
    "--variant=minbase",
    "--quiet",
    `--include=${nodePackages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...excluded.map((path) => `--dpkgopt=path-exclude=${path}`),
    versions.debian,
    directory,
  ]);
  await run("chroot", [directory, "systemctl", "--quiet", "disable", ...disabledUnits]);
  // A node's identity is its own.
  const keys = ["rsa", "ecdsa", "ed25519"].flatMap((type) => [`etc/ssh/ssh_host_${type}_key`, `etc/ssh/ssh_host_${type}_key.pub`]);
  for (const path of ["etc/machine-id", "var/lib/dbus/machine-id", "etc/hostname", "etc/hosts", ...keys]) {
    await rm(join(directory, path), { force: true });
  }
  for (const [path, { content, mode }] of Object.entries(files)) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    await writeFile(target, content);
    await chmod(target, mode);
  }
  await run("chroot", [directory, "systemctl", "--quiet", "enable", "peak-prepare.service", "ssh.service"]);
}
