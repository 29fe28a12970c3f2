import { z } from "zod";
import { endpoint } from "../settings/values.ts";

/** The key `tls` of the configuration. */
export const tls = z
  .strictObject({ certificate: z.string(), key: z.string(), listen: z.array(endpoint).default([]), https: z.array(endpoint).default([]) })
  .refine(
    ({ listen, https }) => listen.length + https.length > 0,
    "give addresses under listen (DNS over TLS), https (DNS over HTTPS), or both",
  );
