import { join } from "node:path";
import { text } from "node:stream/consumers";
import { arches } from "../../toolchain/products.ts";
import { buildImage } from "./build.ts";
import { lookUpVersions } from "./debian.ts";
import { parseBuildRequest } from "./spec.ts";

// `build`: a build request as JSON on standard input, the result as JSON on standard output.
// `versions SUITE ARCH PACKAGE...`: the versions of Debian packages and what they depend on, as JSON on standard output.
// Both tell their progress on standard error.
const [verb, ...words] = process.argv.slice(2);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
try {
  if (verb === "build" && words.length === 0) await build();
  else if (verb === "versions" && words.length > 2) await versions(words);
  else throw new Error("usage: node programs/images/main.ts build < REQUEST.json | versions SUITE ARCH PACKAGE...");
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function build(): Promise<void> {
  const request = parseBuildRequest(await text(process.stdin));
  const root = join(import.meta.dirname, "../..");
  const result = await buildImage(request, { root, signal: stop.signal, progress: (line) => console.error(line) });
  console.log(JSON.stringify(result));
}

/** What cannot be looked up stays as it was when it was looked up last: in the state, from which Pulumi passes it on. */
async function versions([suite = "", name = "", ...packages]: string[]): Promise<void> {
  const arch = arches.find((one) => one === name);
  if (!arch) throw new Error(`"${name}" is none of the architectures ${arches.join(", ")}`);
  try {
    console.log(JSON.stringify(await lookUpVersions(suite, arch, packages, stop.signal)));
  } catch (error) {
    const before = process.env["PULUMI_COMMAND_STDOUT"];
    if (!before || packages.some((name) => !before.includes(`"${name}":`)) || stop.signal.aborted) throw error;
    console.error(`warning: Debian cannot be asked for newer packages, so images stay as they are: ${(error as Error).message.split("\n")[0]}`);
    console.log(before);
  }
}
