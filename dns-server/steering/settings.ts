import { z } from "zod";
import { isPlainName } from "./template.ts";

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || /^127(\.\d+){3}$/.test(host);

/** Where loads come from. Times in seconds. */
export const prometheus = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: "must be a URL such as http://prometheus.monitoring:9090" })
      .refine((text) => {
        const { username, password } = new URL(text);
        return username === "" && password === "";
      }, "must have no user name and password: give prometheus.user and prometheus.passwordFile")
      .refine((text) => !/[?#]/.test(text), "must have no query and no fragment: end it before /api/v1"),
    interval: z.number().min(0.1).max(3600).default(5),
    timeout: z.number().min(0.05).max(600).default(2),
    parallel: z.int().min(1).max(256).default(16),
    domainsPerNamespace: z.int().min(1).max(100_000).default(100),
    queriesPerRound: z.int().min(1).max(1_000_000).default(2000),
    user: z
      .string()
      .regex(/^[^:\p{Cc}]+$/u, "must be one or more characters, without a colon and control characters")
      .optional(),
    passwordFile: z.string().min(1).optional(),
    tokenFile: z.string().min(1).optional(),
    certificate: z.string().min(1).optional(),
    key: z.string().min(1).optional(),
    ca: z.string().min(1).optional(),
    tenant: z
      .string()
      // as Mimir, Cortex and Loki have it; | joins several
      .regex(/^[A-Za-z0-9!._*'()|-]{1,150}$/, "must be 1 to 150 letters, digits and characters of !-_.*'(), or several of these joined by |")
      .optional(),
  })
  .superRefine(({ url, user, passwordFile, tokenFile, certificate, key, ca }, context) => {
    const fault = (path: string, message: string): void => void context.addIssue({ code: "custom", path: [path], message });
    const { protocol, hostname } = new URL(url);
    if (user !== undefined && passwordFile === undefined) fault("user", "needs passwordFile, a file with its password");
    if (user === undefined && passwordFile !== undefined) fault("passwordFile", "needs user, whose password it is");
    if (passwordFile !== undefined && tokenFile !== undefined) fault("tokenFile", "there is passwordFile too: a request has one of them");
    if (certificate !== undefined && key === undefined) fault("certificate", "needs key, the file with its private key");
    if (certificate === undefined && key !== undefined) fault("key", "needs certificate, whose private key it is");
    if (protocol !== "http:") return;
    const name = { certificate, ca, key };
    for (const [path, file] of Object.entries(name)) if (file !== undefined) fault(path, "needs a url that begins with https:");
    if (!isLoopback(hostname))
      for (const [path, file] of Object.entries({ passwordFile, tokenFile }))
        if (file !== undefined) fault(path, "would go over the network for all to read: the url must begin with https:, or lead to this host");
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
