import type { JsonNameParams } from "@peculiar/x509";
import { z } from "zod";

/** A distinguished name as the inputs have it. */
export const subject = z.strictObject({
  commonName: z.string().optional(),
  country: z.string().optional(),
  emailAddress: z.string().optional(),
  locality: z.string().optional(),
  organization: z.string().optional(),
  organizationalUnit: z.string().optional(),
  postalCode: z.string().optional(),
  province: z.string().optional(),
  serialNumber: z.string().optional(),
  streetAddresses: z.array(z.string()).optional(),
});
export type SubjectInputs = z.output<typeof subject>;

/** In the order that Go's library, and so the official plugin, writes them: [attribute, input]. */
const attributes = [
  ["2.5.4.6", "country"],
  ["2.5.4.10", "organization"],
  ["2.5.4.11", "organizationalUnit"],
  ["2.5.4.7", "locality"],
  ["2.5.4.8", "province"],
  ["2.5.4.9", "streetAddresses"],
  ["2.5.4.17", "postalCode"],
  ["2.5.4.3", "commonName"],
  ["2.5.4.5", "serialNumber"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
] as const;

/** The name for a certificate. Pure. */
export function encodeSubject(inputs: SubjectInputs = {}): JsonNameParams {
  return attributes.flatMap(([attribute, input]) => {
    const values = [inputs[input] ?? []].flat();
    return values.length === 0 ? [] : [{ [attribute]: values.map((value) => encode(attribute, value)) }];
  });
}

function encode(attribute: string, value: string): { ia5String: string } | { printableString: string } | { utf8String: string } {
  if (attribute === "1.2.840.113549.1.9.1") return { ia5String: value };
  return /^[A-Za-z0-9 '()+,./:=?*&-]*$/.test(value) ? { printableString: value } : { utf8String: value };
}
