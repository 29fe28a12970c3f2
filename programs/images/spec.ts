import { z } from "zod";
import { isProductName } from "../../toolchain/products.ts";

const common = {
  /** Name in the registry, below `peak/`. */
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "lower-case letters, digits and single hyphens"),
  arch: z.enum(["amd64", "arm64"]),
  /** A public image with Node to build on, e.g. `docker.io/library/node:26-slim`; or our own, of Debian packages in these versions. */
  base: z.union([z.string().min(1), z.record(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/), z.string().regex(/^[0-9][A-Za-z0-9.+~:-]*$/))]),
  /** Binaries of the toolchain's products that the context takes beside the project's files. Where they are is this machine's business. */
  files: z
    .array(
      z.strictObject({
        product: z.string().refine(isProductName, "a product of toolchain/products.ts"),
        /** One of the product's binaries, and its path in the context. */
        binary: z.string().regex(/^[\w-]+$/, "a file name"),
        /** Changes whenever the product does. */
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

/** NAME:PORT, as image references have it. */
const host = z.string().regex(/^[a-z0-9.-]+:\d+$/, "NAME:PORT");

/** Changes when what is at the destination may be lost, as with another cluster or a further node: then images are brought there again. */
const nodes = z.array(z.string());

const destination = z.discriminatedUnion("kind", [
  /** A registry that the cluster pulls from, with TLS and a password. */
  z.strictObject({
    kind: z.literal("registry"),
    /** The name is in the registry's certificate, and so is `localhost`. */
    host,
    /** The IP address behind the name. */
    address: z.union([z.ipv4(), z.ipv6()]),
    /** PEM of the authority that signed its certificate. */
    authority: z.string(),
    username: z.string(),
    password: z.string(),
  }),
  /** A registry that the cluster pulls from over plain HTTP, without a password; this machine reaches it by the same name. */
  z.strictObject({ kind: z.literal("plain-registry"), host, nodes }),
  /** The nodes of a minikube profile, which have images loaded and pull none. */
  z.strictObject({ kind: z.literal("minikube"), profile: z.string().min(1), nodes }),
]);

const request = z.strictObject({ image: source, destination });

/** An image to be: the content tag follows from this and the project's files. */
export type ImageSpec = z.infer<typeof source>;

/** What an image is built on. */
export type ImageBase = ImageSpec["base"];

/** Where an image goes so that a cluster has it. */
export type DestinationSpec = z.infer<typeof destination>;

/** What `main.ts build` reads from standard input. */
export type BuildRequest = z.infer<typeof request>;

/** What `main.ts build` writes to standard output. */
export interface BuildResult {
  /** For a pod: `HOST/peak/NAME:TAG@sha256:DIGEST`, or `localhost/peak/NAME:TAG` where nodes have images loaded. */
  readonly ref: string;
}

/** Parses the text of a build request; throws with the key of what is wrong. */
export function parseBuildRequest(text: string): BuildRequest {
  const result = request.safeParse(JSON.parse(text));
  if (!result.success) throw new Error(`build request: ${z.prettifyError(result.error)}`);
  return result.data;
}
