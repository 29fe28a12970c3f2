import { z } from "zod";
import { prefix } from "../settings/values.ts";

const rateLimit = z.strictObject({
  rate: z.int().min(1).max(100_000).default(200),
  slip: z.int().min(0).max(255).default(2),
  exempt: z.array(prefix).default([]),
});
export type RateLimitSettings = z.output<typeof rateLimit>;

/** The keys of the configuration that say how much askers may have. */
export const limitKeys = {
  rateLimit: rateLimit.optional(),
  refusals: z.string().optional(),
  connections: z
    .strictObject({
      total: z.int().min(1).max(100_000).default(1000),
      perSource: z.int().min(1).max(100_000).default(100),
      idleSeconds: z.int().min(1).max(3600).default(10),
    })
    .prefault({}),
};
