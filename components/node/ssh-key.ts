import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { accepted, generationName, type Generations } from "../pki/generations.ts";

const algorithms = {
  ed25519: { algorithm: "ED25519" },
  ecdsa: { algorithm: "ECDSA", ecdsaCurve: "P256" },
};
export type SshAlgorithm = keyof typeof algorithms;

/** An SSH key pair made once and kept, its private half as a secret, in the stack's state. */
export class SshKey extends pulumi.ComponentResource {
  /** In OpenSSH's private key format, a secret. */
  readonly private: pulumi.Output<string>;
  /** As in authorized_keys: algorithm and key. */
  readonly public: pulumi.Output<string>;

  constructor(name: string, { algorithm = "ed25519" }: { algorithm?: SshAlgorithm }, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:SshKey", name, {}, opts);
    const key = new tls.PrivateKey(name, algorithms[algorithm], { parent: this });
    this.private = pulumi.secret(key.privateKeyOpenssh);
    this.public = key.publicKeyOpenssh.apply((line) => line.trim());
    this.registerOutputs({ private: this.private, public: this.public });
  }
}

/** The generations of an SSH key: one is used, all of them are accepted. */
export interface SshKeys {
  readonly used: SshKey;
  readonly accepted: readonly SshKey[];
}

/** The keys that log in as root on every host of the stack. The one that is used is protected: without it nobody gets there. */
export function operatorKeys(name: string, generations: Generations, opts: pulumi.ComponentResourceOptions): SshKeys {
  return keysOf(generations, (generation) => new SshKey(generationName(name, generation), {}, { ...opts, protect: generation === generations[0] }));
}

/**
 * The keys that a host's SSH server shows. A server has one of each algorithm, and a client that expects a key asks for its algorithm: so the
 * generations take turns, and two of them are shown side by side, each to whom expects it.
 */
export function hostKeys(name: string, generations: Generations, opts: pulumi.ComponentResourceOptions): SshKeys {
  return keysOf(generations, (generation) =>
    new SshKey(generationName(name, generation), { algorithm: generation % 2 === 1 ? "ed25519" : "ecdsa" }, opts));
}

/** All key pairs that are accepted, as texts. */
export function pairsOf({ accepted }: SshKeys): { private: pulumi.Output<string>; public: pulumi.Output<string> }[] {
  return accepted.map((key) => ({ private: key.private, public: key.public }));
}

function keysOf(generations: Generations, make: (generation: number) => SshKey): SshKeys {
  const keys = new Map(accepted(generations).map((generation) => [generation, make(generation)]));
  return { used: keys.get(generations[0])!, accepted: [...keys.values()] };
}
