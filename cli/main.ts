import { setGlobalProxyFromEnv } from "node:http";
import { CommanderError } from "commander";
import { CliError, exitCodes } from "./errors.ts";
import { program } from "./program.ts";

setGlobalProxyFromEnv(); // HTTPS_PROXY and its kin, for downloads

// A reader that leaves early (`./peak status | head -1`) ends nothing: what is being done is brought to its end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(exitCodes.failed);
  });
}

try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; help and version that were asked for are no error.
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
  } else if (error instanceof CliError) {
    if (error.message) process.stderr.write(`peak: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`peak: unexpected error, please report it: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = exitCodes.failed;
  }
}
// Connections of the SDK to an engine that is gone would keep the process alive.
process.exit();
