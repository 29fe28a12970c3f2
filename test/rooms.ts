import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { imports } from "../programs/images/imports.ts";

/** What each file imports, by its path: paths of ours, relative to the project, and names of packages. Types count as well. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Reads the imports of all that is written in TypeScript below a directory. */
export function readImports(root: string): Imports {
  const files = globSync("**/*.ts", { cwd: root, exclude: (name) => ["node_modules", ".peak", ".git"].includes(name) });
  return new Map(files.sort().map((file) => [file, importsOf(file, readFileSync(join(root, file), "utf8"))]));
}

function importsOf(file: string, source: string): string[] {
  const types = ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
  const all = new Set([...types, ...imports(file, source)]);
  return [...all].map((specifier) => (specifier.startsWith(".") ? join(dirname(file), specifier) : specifier));
}

/** A folder of the project and what it may import of ours, besides itself. Packages of Pulumi are named like folders. */
type Rooms = Readonly<Record<string, readonly string[]>>;

/** Which way imports go: docs/architecture.md tells why. A folder that is not named here is in the room of the one above it. */
const rooms: Rooms = {
  "index.ts": ["components", "hardware", "addressing", "@pulumi"],
  components: ["programs", "hardware", "addressing", "toolchain", "shell", "@pulumi"],
  programs: ["hardware", "addressing", "toolchain", "shell"],
  hardware: ["addressing"],
  addressing: [],
  toolchain: ["shell"],
  "toolchain/providers": ["toolchain", "shell", "@pulumi"],
  shell: [],
  "dns-server": [],
  services: [],
  policy: [],
  "policy/pack": ["policy", "@pulumi"],
  cli: ["index.ts", "components", "programs", "hardware", "addressing", "toolchain", "shell", "@pulumi"],
};

/** What runs nowhere but in tests may look further. */
const inTests: Rooms = {
  components: ["dns-server", "policy", "toolchain/providers"], // the server's own parser reads what a component writes for it
  programs: ["toolchain/providers"],
  toolchain: ["@pulumi"],
  "dns-server": ["shell"],
  services: ["shell"],
  policy: ["toolchain/providers", "@pulumi"],
  cli: ["toolchain/providers"],
};

/** Domains of components that others are made of. All others know these and nothing but them: they meet through arguments in index.ts. */
const sharedDomains = ["node", "kubernetes", "images", "pki", "network"];

/** Folders of the DNS server from the lowest up: each imports those before it. The files beside them put the server together. */
export const dnsServer = [
  "runtime",
  "wire",
  "settings",
  "zone",
  "dnssec",
  "view",
  "limit",
  "transport",
  "transfer",
  "update",
  "model",
  "registration",
  "health",
  "steering",
  "kubernetes",
  "domains",
  "selection",
  "publishing",
  "config",
  "source",
  "control",
];

const document = "docs/architecture.md";

/** Each import that goes the wrong way, as a message that names it and the rule. */
export function misdirected(all: Imports): string[] {
  return [...all].flatMap(([from, targets]) => targets.flatMap((to) => {
    const rule = brokenRule(from, to);
    return rule === undefined ? [] : [`${from} imports ${to}: ${rule} (${document})`];
  }));
}

function brokenRule(from: string, to: string): string | undefined {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (target === undefined) return undefined; // a package that every room may have
  if (room === undefined) return "the importing file is in none of the rooms that test/rooms.ts has";
  if (room === "test") return undefined;
  const test = isTest(from);
  if (room !== target) {
    const may = [...rooms[room]!, ...(test ? ["test", ...(inTests[room] ?? [])] : [])];
    if (!may.includes(target)) return `${room} imports ${may.length > 0 ? `of ours nothing but ${may.join(", ")}` : "nothing of ours"}`;
  } else if (room === "dns-server") {
    const [own, other] = [heightOf(from), heightOf(to)];
    if (!test && own < 0) return "the importing file is in no folder of the DNS server that test/rooms.ts has";
    if (!test && (other < 0 || other > own)) return "folders of the DNS server import those below them, in the order of test/rooms.ts";
  } else if (room === "services") {
    const [own, other] = [from.split("/")[1], to.split("/")[1]];
    if (own !== other && other !== "shared") return "services import services/shared, never each other";
  } else if (room === "components") {
    const [own, other] = [domainOf(from), domainOf(to)];
    const shared = other === undefined || sharedDomains.includes(other);
    if (own !== undefined && own !== other && !shared) return `a domain of components imports no other but ${sharedDomains.join(", ")}`;
  }
  return undefined;
}

/** The longest named folder that a path is in; undefined for a package that rules say nothing of. */
function roomOf(path: string): string | undefined {
  const names = [...Object.keys(rooms), "test", "@pulumi"];
  return names.filter((name) => path === name || path.startsWith(`${name}/`)).sort((a, b) => b.length - a.length)[0];
}

/** How far up a file of the DNS server stands; -1 for one in a folder without a place. */
function heightOf(path: string): number {
  const [, folder = "", file] = path.split("/");
  return file === undefined ? dnsServer.length : dnsServer.indexOf(folder);
}

/** The domain that a component is in; undefined for what all of them use. */
function domainOf(path: string): string | undefined {
  const parts = path.split("/");
  return parts.length > 2 ? parts[1] : undefined;
}

function isTest(path: string): boolean {
  return /\.(test|harness)\.ts$|\/(testing|bench|compare|simulation)\/|\/testing\.ts$/.test(path);
}

/** Every circle of imports once, by one way around it: `a.ts -> b.ts -> a.ts`. */
export function circles(all: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" -> "));
    if (done.has(file)) return;
    done.add(file);
    for (const to of all.get(file) ?? []) walk(to, [...path, file]);
  };
  for (const file of all.keys()) walk(file, []);
  return found;
}

/** Imports among the folders that `fold` maps files to; files that it maps to nothing are left out. */
export function fold(all: Imports, folder: (path: string) => string | undefined): Imports {
  const folded = new Map<string, Set<string>>();
  for (const [from, targets] of all) {
    const own = folder(from);
    if (own === undefined) continue;
    const seen = folded.get(own) ?? folded.set(own, new Set()).get(own)!;
    for (const to of targets) {
      const other = folder(to);
      if (other !== undefined && other !== own) seen.add(other);
    }
  }
  return new Map([...folded].map(([own, others]) => [own, [...others]]));
}
