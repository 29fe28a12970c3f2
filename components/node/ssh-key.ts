import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** An ed25519 key pair made once and kept, its private half as a secret, in the stack's state. */
export class SshKey extends pulumi.ComponentResource {
  /** In OpenSSH's private key format, a secret. */
  readonly private: pulumi.Output<string>;
  /** As in authorized_keys: algorithm, key, comment. */
  readonly public: pulumi.Output<string>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:SshKey", name, {}, opts);
    const generated = new command.local.Command(name, {
      create: "node components/node/generate-ssh-key.ts",
      stdin: name,
      logging: command.local.Logging.None,
    }, { parent: this, additionalSecretOutputs: ["stdout"] });
    const pair = generated.stdout.apply((text) => JSON.parse(text) as { private: string; public: string });
    this.private = pulumi.secret(pair.private);
    this.public = pulumi.unsecret(pair.public);
    this.registerOutputs({ private: this.private, public: this.public });
  }
}
