import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

/** What a host is for: the control plane with steering and monitoring, service pods, or clients that put load on them. */
export type HostRole = "steering" | "service" | "client";

/** Processor architecture, named as Go and Debian name it. */
export type Architecture = "amd64" | "arm64";

/** The architecture of this machine. */
export function localArchitecture(): Architecture {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

/**
 * A machine with systemd that is reached by SSH over IPv6 as root. Virtual Pis and boards are both hosts; whoever is handed a
 * host cannot tell which of them it is.
 */
export interface Host {
  /** Host name, unique in the stack, e.g. `pi1`. */
  readonly name: string;
  readonly role: HostRole;
  /** Node number, from 1, unique in the stack: it selects the host's /80s. */
  readonly number: number;
  readonly arch: Architecture;
  /** Address inside the cluster's /64, e.g. `fd7e:ea4c:0:1:1::1`. */
  readonly ula: string;
  /** Address inside the provider's /64, where there is a provider's prefix. */
  readonly global: string | undefined;
  /** How to reach it: host, user, private key (secret) and pinned host key. */
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** Once this exists, the host answers on `connection`. */
  readonly resource: pulumi.Resource;
  /** Deleting this deletes the host and everything on it; undefined where the host outlives the stack. */
  readonly lifetime: pulumi.Resource | undefined;
}
