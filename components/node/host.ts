import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { Role } from "../../hardware/inventory.ts";
import type { Arch } from "../../toolchain/products.ts";

/**
 * A machine with systemd that is reached by SSH over IPv6 as root. Virtual Pis and boards are both hosts; whoever is handed a
 * host need not know which of them it is.
 */
export interface Host {
  /** Host name, unique in the stack, e.g. `pi1`. */
  readonly name: string;
  readonly role: Role;
  /** Node number, from 1, unique in the stack: it selects the host's /80s. */
  readonly number: number;
  readonly arch: Arch;
  /** Address inside the cluster's /64, e.g. `fd7e:ea4c:0:1:1::1`. */
  readonly ula: string;
  /** Address inside the provider's /64, where there is a provider's prefix. */
  readonly global: string | undefined;
  /** Whether it answered when the program began; nothing waits for one that does not. */
  readonly answers: boolean;
  /** Another one as soon as the host's disk is: whatever is put on the host depends on it, so that a new disk gets it again. */
  readonly incarnation: pulumi.Input<string>;
  /** How to reach it: host, user, private key (secret) and pinned host key. */
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** Once this exists, the host answers on `connection`. */
  readonly resource: pulumi.Resource;
  /** Deleting this deletes the host and everything on it; undefined where the host outlives the stack. */
  readonly lifetime: pulumi.Resource | undefined;
}
