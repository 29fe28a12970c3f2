// The command behind certificate.ts: reads what to issue as JSON on stdin and prints a KeyPair as JSON.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { issueAuthority, issueCertificate, issueSigningKey } from "./issue.ts";

const keyPair = z.strictObject({ certificate: z.string(), key: z.string() });
const subject = z.strictObject({
  commonName: z.string(),
  organization: z.exactOptional(z.string()),
  dns: z.exactOptional(z.array(z.string())),
  ip: z.exactOptional(z.array(z.string())),
  usages: z.array(z.enum(["server", "client"])),
});
const request = z.discriminatedUnion("issue", [
  z.strictObject({ issue: z.literal("authority"), commonName: z.string() }),
  z.strictObject({ issue: z.literal("certificate"), authority: keyPair, subject }),
  z.strictObject({ issue: z.literal("signing-key") }),
]);

const wanted = request.parse(JSON.parse(await text(process.stdin)));
const issued =
  wanted.issue === "authority" ? await issueAuthority(wanted.commonName)
  : wanted.issue === "certificate" ? await issueCertificate(wanted.authority, wanted.subject)
  : await issueSigningKey();
process.stdout.write(JSON.stringify(issued));
