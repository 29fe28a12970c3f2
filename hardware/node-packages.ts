/**
 * Debian packages of every node, on top of a minimal system. A virtual Pi's root file system and a board's boot media are made
 * with them, so that a node needs no package registry while it is provisioned.
 */
export const nodePackages: readonly string[] = [
  "bind9-dnsutils",
  "ca-certificates",
  "catatonit",
  "conntrack",
  "containernetworking-plugins",
  "curl",
  "dbus",
  "docker-registry",
  "iproute2",
  "iputils-ping",
  "kmod",
  "nftables",
  "openssh-server",
  "procps",
  "runc",
  "systemd",
  "systemd-sysv",
  "unbound",
];

/** Units that those packages enable by themselves; a component enables what its node is to run. */
export const disabledUnits: readonly string[] = ["docker-registry.service", "unbound.service", "e2scrub_reap.service"];
