import { join } from "node:path";
import { text } from "node:stream/consumers";
import { buildImage } from "./build.ts";
import { parseBuildRequest } from "./spec.ts";

// `node programs/images/main.ts build`: a build request as JSON on standard input, the result as JSON on standard output,
// progress on standard error.
if (process.argv[2] !== "build" || process.argv.length > 3) {
  console.error("usage: node programs/images/main.ts build < REQUEST.json");
  process.exit(2);
}
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
try {
  const request = parseBuildRequest(await text(process.stdin));
  const root = join(import.meta.dirname, "../..");
  const result = await buildImage(request, { root, signal: stop.signal, progress: (line) => console.error(line) });
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
