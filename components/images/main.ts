import { join } from "node:path";
import { text } from "node:stream/consumers";
import { buildImage } from "./build.ts";
import { parseBuildRequest } from "./spec.ts";

// `node components/images/main.ts build`: a build request as JSON on standard input, the result as JSON on standard output, progress on standard error.
if (process.argv[2] !== "build" || process.argv.length > 3) {
  console.error("usage: node components/images/main.ts build < REQUEST.json");
  process.exit(2);
}
try {
  const request = parseBuildRequest(await text(process.stdin));
  const result = await buildImage(join(import.meta.dirname, "../.."), request, (line) => console.error(line));
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
