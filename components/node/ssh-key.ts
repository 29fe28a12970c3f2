import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { accepted, generationName, type Generations } from "../pki/generations.ts";

export interface SshKeyArgs {
  generations: Generations;
}

/** ed25519 key pairs: one is used, all are accepted. */
export class SshKey extends pulumi.ComponentResource {
  /** The one that is used, in OpenSSH's private key format, a secret. */
  readonly private: pulumi.Output<string>;
  /** Its public half as in authorized_keys: algorithm and key. */
  readonly public: pulumi.Output<string>;
  /** All of them, those that are used first. */
  readonly accepted: { private: pulumi.Output<string>; public: pulumi.Output<string> }[];

  constructor(name: string, { generations }: SshKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:SshKey", name, {}, opts);
    const pairs = new Map(accepted(generations).map((generation) => {
      const key = new tls.PrivateKey(generationName(name, generation), { algorithm: "ED25519" }, { parent: this });
      return [generation, { private: pulumi.secret(key.privateKeyOpenssh), public: key.publicKeyOpenssh.apply((line) => line.trim()) }];
    }));
    this.accepted = generations.map((generation) => pairs.get(generation)!);
    const [used] = this.accepted;
    this.private = used!.private;
    this.public = used!.public;
    this.registerOutputs({ private: this.private, public: this.public });
  }
}
