import { z } from "zod";

const common = {
  /** Name in the registry, below `peak/`. */
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case letters, digits and single hyphens"),
  arch: z.enum(["amd64", "arm64"]),
  /** A public image with Node to build on, e.g. `docker.io/library/node:26-slim`; without it, our own of Debian packages. */
  base: z.string().min(1).optional(),
  /** Built products that the context takes beside the files. */
  files: z
    .array(
      z.strictObject({
        /** Absolute path of a file. */
        from: z.string().startsWith("/"),
        /** Path in the context. */
        to: z.string().regex(/^(?!\/)(?!.*\.\.)/, "a path inside the context"),
        /** Changes whenever the content does: a checksum, or the key that it has in the cache. */
        digest: z.string().min(1),
      }),
    )
    .default([]),
};

const source = z.union([
  z.strictObject({
    ...common,
    /** The main module of a Node program, relative to the project; a Dockerfile is beside it. */
    entry: z.string(),
  }),
  z.strictObject({
    ...common,
    /** A folder with a Dockerfile and what that copies, relative to the project. */
    folder: z.string(),
  }),
]);

const registry = z.strictObject({
  /** Name and port as image references have them; the name is in the registry's certificate, and so is `localhost`. */
  host: z.string().regex(/^[a-z0-9.-]+:\d+$/, "NAME:PORT"),
  /** The IP address behind the name. */
  address: z.union([z.ipv4(), z.ipv6()]),
  /** PEM of the authority that signed its certificate. */
  authority: z.string(),
  username: z.string(),
  password: z.string(),
});

const request = z.strictObject({ image: source, registry });

/** An image to be: the content tag follows from this and the project's files. */
export type ImageSpec = z.infer<typeof source>;

/** How to reach the registry that images are pushed to. */
export type RegistryAccess = z.infer<typeof registry>;

/** What `main.ts build` reads from standard input. */
export type BuildRequest = z.infer<typeof request>;

/** What `main.ts build` writes to standard output. */
export interface BuildResult {
  /** For a pod: `HOST/peak/NAME:TAG@sha256:DIGEST`. */
  readonly ref: string;
  readonly tag: string;
  /** `sha256:…` of the manifest. */
  readonly digest: string;
}

/** Parses the text of a build request; throws with the key of what is wrong. */
export function parseBuildRequest(text: string): BuildRequest {
  const result = request.safeParse(JSON.parse(text));
  if (!result.success) throw new Error(`build request: ${z.prettifyError(result.error)}`);
  return result.data;
}
