import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { accepted, generationName, type Generations } from "./generations.ts";

const year = 365 * 24;

/** How long an authority and what it signs are valid; `up` renews both when a third of that is left. */
const terms = (hours: number) => ({ validityPeriodHours: hours, earlyRenewalHours: hours / 3 });
const authorityTerms = terms(10 * year);
const certificateTerms = terms(year);

const algorithm = { algorithm: "ECDSA", ecdsaCurve: "P256" };

/** When a certificate ends, in RFC 3339. */
export interface Ending {
  name: string;
  ends: string;
  /** Its whole life in hours. */
  hours: number;
}

export interface AuthorityArgs {
  /** The CN of the authority, e.g. `peak kubernetes`. */
  commonName: string;
  generations: Generations;
}

/** A certificate authority of the stack's own. Its certificate is renewed with the same key; another key is another generation. */
export class Authority extends pulumi.ComponentResource {
  /** PEM: the certificates of all generations. Whoever trusts the authority trusts these. */
  readonly bundle: pulumi.Output<string>;
  /** The generation that signs. */
  readonly signing: { generation: number; certificate: pulumi.Output<string>; key: pulumi.Output<string> };
  /** Of itself and of what it has signed. */
  readonly endings: pulumi.Output<Ending>[] = [];

  constructor(name: string, { commonName, generations }: AuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:pki:Authority", name, {}, opts);
    const members = accepted(generations).map((generation) => {
      const member = generationName(name, generation);
      const key = pulumi.secret(new tls.PrivateKey(member, algorithm, { parent: this, protect: generation === generations[0] }).privateKeyPem);
      const issued = new tls.SelfSignedCert(member, {
        privateKeyPem: key,
        subject: { commonName: generationName(commonName, generation) },
        isCaCertificate: true,
        allowedUses: ["cert_signing", "crl_signing"],
        ...authorityTerms,
      }, { parent: this });
      this.endings.push(endingOf(member, issued));
      return { generation, certificate: issued.certPem, key };
    });
    this.bundle = pulumi.concat(...members.map(({ certificate }) => certificate));
    this.signing = members.find(({ generation }) => generation === generations[0])!;
    this.registerOutputs({ bundle: this.bundle });
  }
}

/** Who a certificate is for, and what it may be used for. */
export interface Subject {
  commonName: string;
  /** The O attribute: Kubernetes reads it as the group. */
  organization?: string;
  /** Names and addresses of a server. */
  dns?: string[];
  ip?: string[];
  usages: ("server" | "client")[];
}

export interface CertificateArgs {
  authority: Authority;
  subject: Subject;
}

/** A certificate with its key, signed by the authority; both are made anew with the authority's generation. */
export class Certificate extends pulumi.ComponentResource {
  /** PEM. */
  readonly certificate: pulumi.Output<string>;
  /** PEM (PKCS #8), a secret. */
  readonly key: pulumi.Output<string>;

  constructor(name: string, { authority, subject }: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:pki:Certificate", name, {}, opts);
    const { generation, certificate, key } = authority.signing;
    const member = generationName(name, generation);
    const { commonName, organization, dns = [], ip = [], usages } = subject;
    const own = new tls.PrivateKey(member, algorithm, { parent: this });
    const request = new tls.CertRequest(member, {
      privateKeyPem: own.privateKeyPem,
      subject: { commonName, ...(organization !== undefined && { organization }) },
      ...(dns.length > 0 && { dnsNames: dns }),
      ...(ip.length > 0 && { ipAddresses: ip }),
    }, { parent: this });
    const issued = new tls.LocallySignedCert(member, {
      caCertPem: certificate,
      caPrivateKeyPem: key,
      certRequestPem: request.certRequestPem,
      allowedUses: ["digital_signature", ...usages.map((usage) => `${usage}_auth`)],
      ...certificateTerms,
    }, { parent: this });
    authority.endings.push(endingOf(member, issued));
    this.certificate = issued.certPem;
    this.key = pulumi.secret(own.privateKeyPemPkcs8);
    this.registerOutputs({ certificate: this.certificate, key: this.key });
  }
}

function endingOf(name: string, issued: tls.SelfSignedCert | tls.LocallySignedCert): pulumi.Output<Ending> {
  return pulumi.all([issued.validityEndTime, issued.validityPeriodHours]).apply(([ends, hours]) => ({ name, ends, hours }));
}

export interface SigningKeyArgs {
  generations: Generations;
}

/** Bare key pairs, with which the API server signs service account tokens and recognises them. */
export class SigningKey extends pulumi.ComponentResource {
  /** PEM: the public keys of all generations, whose tokens are accepted. */
  readonly accepted: pulumi.Output<string>;
  /** PEM (PKCS #8) of the generation that signs, a secret. */
  readonly key: pulumi.Output<string>;

  constructor(name: string, { generations }: SigningKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:pki:SigningKey", name, {}, opts);
    const keys = new Map(accepted(generations).map((generation) =>
      [generation, new tls.PrivateKey(generationName(name, generation), algorithm, { parent: this, protect: generation === generations[0] })]));
    this.accepted = pulumi.concat(...[...keys.values()].map(({ publicKeyPem }) => publicKeyPem));
    this.key = pulumi.secret(keys.get(generations[0])!.privateKeyPemPkcs8);
    this.registerOutputs({ accepted: this.accepted });
  }
}
