import { z } from "zod";
import { isPlainName } from "./template.ts";

/** Where loads come from. Times in seconds. */
export const prometheus = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: "must be a URL such as http://prometheus.monitoring:9090" }).refine((text) => {
    const { username, password } = new URL(text);
    return username === "" && password === "";
  }, "must have no user name and password"),
  interval: z.number().min(0.1).max(3600).default(5),
  timeout: z.number().min(0.05).max(600).default(2),
  parallel: z.int().min(1).max(256).default(16),
});

/** Of our own look at targets; seconds between two. */
export const probe = z.strictObject({ interval: z.number().min(0.05).max(60).default(1) }).default({ interval: 1 });

export const clusterName = z.string().refine(isPlainName, "must consist of letters, digits, dots, hyphens and underscores");
export const readmissionMargin = z.number().min(0).max(0.9).default(0.1);
export const maxHeld = z.number().min(0).max(0.9).default(0.5);

/** Lowest and highest TTL of addresses, seconds. */
export const ttlRange = z
  .tuple([z.int().min(0).max(0x7fffffff), z.int().min(0).max(0x7fffffff)])
  .refine(([low, high]) => low <= high, "must be [lowest, highest]")
  .default([1, 60]);

export type PrometheusConfig = z.output<typeof prometheus>;
