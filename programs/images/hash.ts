import { createHash } from "node:crypto";

/** One thing that an image is made of: a file of the repository, an installed package, a built product, or the base below it. */
export interface Part {
  readonly kind: "file" | "package" | "product" | "base";
  /** Unique within its kind, e.g. the path. */
  readonly name: string;
  /** The bytes, or a text that changes whenever the bytes do: a version with its integrity, a digest. */
  readonly content: string | Uint8Array;
  /** Whether it is an executable file. Other mode bits depend on the umask of whoever cloned the repository. */
  readonly executable?: boolean;
}

/**
 * The tag of an image made of `parts`: 32 hexadecimal digits, the same for the same parts in any order, another for any other parts.
 * Throws if two parts have one name.
 */
export function contentTag(parts: Iterable<Part>): string {
  const digests = new Map<string, Buffer>();
  for (const part of parts) {
    const key = `${part.kind} ${part.name}`;
    if (digests.has(key)) throw new Error(`an image has two of one name: ${key}`);
    // A record of three digests has one length whatever is in it, so no two lists of parts read the same.
    digests.set(key, digest(digest(key), digest(part.executable ? "x" : "-"), digest(part.content)));
  }
  return digest(...[...digests.keys()].sort().map((key) => digests.get(key)!)).toString("hex", 0, 16);
}

function digest(...contents: (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest();
}
