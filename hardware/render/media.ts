import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { nodePackages } from "../node-packages.ts";
import type { InventoryHost } from "../inventory.ts";

/** What a board's boot media make of it, besides what the inventory says. */
export interface MediaFacts {
  /** Addresses of its interface, each inside a /64. */
  addresses: readonly string[];
  /** Where its default route points, inside one of those /64s. */
  router: string;
  /** Log in as root: lines of authorized_keys. */
  authorizedKeys: readonly string[];
  /** The identity of its SSH server, of which the stack has pinned one: OpenSSH private keys and public lines, ed25519 or ECDSA. */
  hostKeys: readonly { private: string; public: string }[];
}

/** Memory cgroups, which Kubernetes needs and the firmware's default leaves out. */
export const kernelWords: readonly string[] = ["cgroup_enable=memory", "cgroup_memory=1", "ds=nocloud"];

/** Settings of the boot loader's own flash: the network first, then the card, where a board boots from the network. */
const bootOrder = { microsd: "0xf21", network: "0xf12" } as const;

/**
 * The files that make a board what the inventory says, by their path on the boot partition of an image with cloud-init (NoCloud): user-data,
 * network-config and meta-data; and what is to be added to the image's cmdline.txt and config.txt. The EEPROM's settings are for
 * `rpi-eeprom-config --apply`. They hold the private host key: a secret. Pure.
 */
export function renderMedia(host: InventoryHost, facts: MediaFacts): Record<string, string> {
  const userData = renderUserData(host, facts);
  const networkConfig = renderNetworkConfig(host, facts);
  // Another id makes cloud-init run again: whatever is changed here reaches a board that was set up before.
  const id = createHash("sha256").update(userData).update(networkConfig).digest("hex").slice(0, 16);
  return {
    "user-data": userData,
    "network-config": networkConfig,
    "meta-data": stringify({ "instance-id": `${host.name}-${id}`, "local-hostname": host.name }),
    "cmdline.add": `${kernelWords.join(" ")}\n`,
    "config.add": renderConfig(host),
    "eeprom.conf": renderEeprom(host),
  };
}

function renderUserData({ name }: InventoryHost, { authorizedKeys, hostKeys }: MediaFacts): string {
  const keys = hostKeys.map((key) => ({ ...key, type: key.public.startsWith("ecdsa-") ? "ecdsa" : "ed25519" }));
  return `#cloud-config\n${stringify(
    {
      hostname: name,
      fqdn: name,
      manage_etc_hosts: true,
      ssh_pwauth: false,
      disable_root: false,
      ssh_deletekeys: true,
      ssh_genkeytypes: keys.map(({ type }) => type),
      ssh_keys: Object.fromEntries(keys.flatMap((key) => [[`${key.type}_private`, key.private.trimEnd() + "\n"], [`${key.type}_public`, key.public]])),
      users: [{ name: "root", lock_passwd: true, ssh_authorized_keys: [...authorizedKeys] }],
      package_update: true,
      packages: [...nodePackages],
      write_files: [{ path: "/etc/sysctl.d/90-peak.conf", content: "net.ipv6.conf.all.forwarding = 1\n" }],
      // Files of write_files are there after the first boot has read sysctl.d.
      runcmd: [
        ["sysctl", "--system"],
        ["swapoff", "--all"],
        ["systemctl", "mask", "--now", "swap.target"],
      ],
    },
    { lineWidth: 0 },
  )}`;
}

/** Netplan's format, version 2. Addresses are the inventory's: nothing that a router advertises takes their place. */
function renderNetworkConfig({ board }: InventoryHost, { addresses, router }: MediaFacts): string {
  const name = board?.interface ?? "eth0";
  return stringify({
    version: 2,
    ethernets: {
      [name]: {
        ...(board?.mac !== undefined && { match: { macaddress: board.mac }, "set-name": name }),
        dhcp4: false,
        dhcp6: false,
        "accept-ra": false,
        addresses: addresses.map((address) => `${address}/64`),
        routes: [{ to: "::/0", via: router }],
      },
    },
  });
}

function renderConfig({ board }: InventoryHost): string {
  const lines = [
    "# Made by ./peak hardware media.",
    "[all]",
    "arm_64bit=1",
    // A PoE card is not asked over USB-C how much it gives: without this the USB ports are kept short.
    ...(board?.poeCard === undefined ? [] : ["usb_max_current_enable=1"]),
    "dtoverlay=disable-wifi",
    "dtoverlay=disable-bt",
    "gpu_mem=16",
  ];
  return `${lines.join("\n")}\n`;
}

function renderEeprom({ board }: InventoryHost): string {
  return [
    "[all]",
    "BOOT_UART=1",
    `BOOT_ORDER=${bootOrder[board?.boot ?? "microsd"]}`,
    ...(board?.boot === "network" ? ["NET_INSTALL_AT_POWER_ON=0", "TFTP_PREFIX=0"] : []),
    // Off means off: a board that was shut down takes next to nothing, and starts again when its port is switched off and on.
    "POWER_OFF_ON_HALT=1",
    ...(board?.poeCard === undefined ? [] : ["PSU_MAX_CURRENT=4500"]),
    "",
  ].join("\n");
}

/** A line of kernel words with those that are missing put after the others. Pure. */
export function withKernelWords(line: string): string {
  const there = line
    .trim()
    .split(/\s+/)
    .filter((word) => word !== "");
  return `${[...there, ...kernelWords.filter((word) => !there.includes(word))].join(" ")}\n`;
}
