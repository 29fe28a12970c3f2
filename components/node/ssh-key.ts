import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** An ed25519 key pair made once and kept, its private half as a secret, in the stack's state. */
export class SshKey extends pulumi.ComponentResource {
  /** In OpenSSH's private key format, a secret. */
  readonly private: pulumi.Output<string>;
  /** As in authorized_keys: algorithm and key. */
  readonly public: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:SshKey", name, {}, opts);
    const key = new tls.PrivateKey(name, { algorithm: "ED25519" }, { parent: this });
    this.private = pulumi.secret(key.privateKeyOpenssh);
    this.public = key.publicKeyOpenssh.apply((line) => line.trim());
    this.registerOutputs({ private: this.private, public: this.public });
  }
}
