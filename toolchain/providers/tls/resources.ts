import { z } from "zod";
import type { Properties } from "../shared/properties.ts";
import { requestCertificate, signItself, signRequest, uses } from "./certificates.ts";
import { algorithms, curves, describeKey, generateKey, parseKey } from "./keys.ts";
import { subject } from "./subject.ts";

interface Made {
  readonly id: string;
  readonly outputs: Properties;
}

/** One resource type. */
export interface ResourceType {
  readonly schema: z.ZodType;
  /** Names of the outputs that are made, beside those that repeat inputs. */
  readonly made: readonly string[];
  /** Inputs and outputs that are secret. */
  readonly secrets: readonly string[];
  /** Inputs that can change without a new resource. */
  readonly updatable: readonly string[];
  /** Checks the inputs, and completes them with the defaults. */
  complete(inputs: unknown): Properties;
  make(inputs: unknown, now: Date): Promise<Made>;
  /** The version of the resource's schema, where it is not the first. */
  readonly schemaVersion?: string;
}

function define<Schema extends z.ZodType>(type: {
  schema: Schema;
  made: readonly string[];
  secrets: readonly string[];
  updatable?: readonly string[];
  schemaVersion?: string;
  make(inputs: z.output<Schema>, now: Date): Made | Promise<Made>;
}): ResourceType {
  return {
    updatable: [],
    ...type,
    complete: (inputs) => Object.fromEntries(
      Object.entries(type.schema.parse(inputs) as Properties).filter(([, value]) => value !== undefined && value !== null)),
    make: async (inputs, now) => type.make(type.schema.parse(inputs), now),
  };
}

const names = {
  subject: subject.optional(),
  dnsNames: z.array(z.string()).optional(),
  ipAddresses: z.array(z.union([z.ipv4(), z.ipv6()], { error: "is no IP address" })).optional(),
  uris: z.array(z.url({ error: "is no URI" })).optional(),
};

const terms = {
  allowedUses: z.array(z.enum(uses, { error: `must be one of ${uses.join(", ")}` })),
  validityPeriodHours: z.int().nonnegative(),
  earlyRenewalHours: z.int().nonnegative().default(0),
  isCaCertificate: z.boolean().default(false),
  maxPathLength: z.int().min(-1).optional(),
  setSubjectKeyId: z.boolean().default(false),
};

const privateKey = define({
  schema: z.strictObject({
    algorithm: z.enum(algorithms),
    // The defaults are stored whatever the algorithm is.
    ecdsaCurve: z.enum(curves).default("P224"),
    rsaBits: z.int().min(512).default(2048),
  }),
  made: [
    "privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh", "publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256",
  ],
  secrets: ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"],
  schemaVersion: "1",
  make: (request) => describeKey(generateKey(request)),
});

const certRequest = define({
  schema: z.strictObject({ privateKeyPem: z.string(), ...names }),
  made: ["certRequestPem", "keyAlgorithm"],
  secrets: ["privateKeyPem"],
  async make({ privateKeyPem, ...names }) {
    const { key, algorithm } = parseKey(privateKeyPem);
    const { id, certRequestPem } = await requestCertificate(key, names);
    return { id, outputs: { certRequestPem, keyAlgorithm: algorithm } };
  },
});

const validity = ["certPem", "readyForRenewal", "validityStartTime", "validityEndTime"];

const locallySignedCert = define({
  schema: z.strictObject({ caCertPem: z.string(), caPrivateKeyPem: z.string(), certRequestPem: z.string(), ...terms }),
  made: [...validity, "caKeyAlgorithm"],
  secrets: ["caPrivateKeyPem"],
  updatable: ["earlyRenewalHours"],
  async make({ caCertPem, caPrivateKeyPem, certRequestPem, ...terms }, now) {
    const { key, algorithm } = parseKey(caPrivateKeyPem);
    const { id, ...issued } = await signRequest(certRequestPem, caCertPem, key, terms, now);
    return { id, outputs: { ...issued, caKeyAlgorithm: algorithm, readyForRenewal: alwaysReady(terms) } };
  },
});

const selfSignedCert = define({
  schema: z.strictObject({ privateKeyPem: z.string(), ...names, ...terms, setAuthorityKeyId: z.boolean().default(false) }),
  made: [...validity, "keyAlgorithm"],
  secrets: ["privateKeyPem"],
  updatable: ["earlyRenewalHours"],
  async make({ privateKeyPem, subject, dnsNames, ipAddresses, uris, ...terms }, now) {
    const { key, algorithm } = parseKey(privateKeyPem);
    const { id, ...issued } = await signItself(key, { subject, dnsNames, ipAddresses, uris }, terms, now);
    return { id, outputs: { ...issued, keyAlgorithm: algorithm, readyForRenewal: alwaysReady(terms) } };
  },
});

/** Whether a certificate is to be renewed from its first moment on. */
function alwaysReady(terms: { validityPeriodHours: number; earlyRenewalHours: number }): boolean {
  return terms.earlyRenewalHours >= terms.validityPeriodHours;
}

/** The resource types by token. */
export const RESOURCES: Readonly<Record<string, ResourceType>> = {
  "tls:index/privateKey:PrivateKey": privateKey,
  "tls:index/certRequest:CertRequest": certRequest,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
};
