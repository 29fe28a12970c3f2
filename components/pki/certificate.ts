import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { KeyPair, Subject } from "./issue.ts";

/** A certificate or key made once and kept, as a secret, in the stack's state. */
abstract class Issued extends pulumi.ComponentResource {
  /** PEM: the certificate, or for a signing key the public key. */
  readonly certificate: pulumi.Output<string>;
  /** PEM (PKCS #8), a secret. */
  readonly key: pulumi.Output<string>;

  protected constructor(type: string, name: string, request: pulumi.Input<object>, opts?: pulumi.ComponentResourceOptions) {
    super(`peak:pki:${type}`, name, {}, opts);
    const issue = new command.local.Command(name, {
      create: "node components/pki/main.ts",
      stdin: pulumi.jsonStringify(request),
      logging: command.local.Logging.None,
    }, { parent: this, additionalSecretOutputs: ["stdout"] });
    const pair = issue.stdout.apply((text) => JSON.parse(text) as KeyPair);
    this.certificate = pulumi.unsecret(pair.certificate);
    this.key = pair.key;
    this.registerOutputs({ certificate: this.certificate, key: this.key });
  }
}

export interface AuthorityArgs {
  /** The CN of the authority, e.g. `peak local cluster`. */
  commonName: string;
}

/** A certificate authority of the stack's own, valid for ten years. */
export class Authority extends Issued {
  constructor(name: string, args: AuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("Authority", name, { issue: "authority", ...args }, opts);
  }
}

export interface CertificateArgs {
  authority: Authority;
  subject: Subject;
}

/** A certificate with its key, signed by the authority; issued anew when its subject or the authority changes. */
export class Certificate extends Issued {
  constructor(name: string, { authority, subject }: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("Certificate", name, { issue: "certificate", authority: { certificate: authority.certificate, key: authority.key }, subject }, opts);
  }
}

/** A bare key pair, with which the API server signs service account tokens. */
export class SigningKey extends Issued {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("SigningKey", name, { issue: "signing-key" }, opts);
  }
}
