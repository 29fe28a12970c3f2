/**
 * Makes the local stack's hosts on this machine: `node programs/virtual/main.ts VERB`, with a JSON spec on standard input
 * (see spec.ts) and a JSON result on standard output. Each verb converges: it may be run again, whatever state it finds.
 */
import { text } from "node:stream/consumers";
import { clientDown, clientUp } from "./client.ts";
import { hostPackages } from "./host-packages.ts";
import { layout } from "./layout.ts";
import { networkDown, networkUp } from "./network.ts";
import { piDown, piUp } from "./pi.ts";
import { rootfs } from "./rootfs.ts";
import { clientSpec, downSpec, networkSpec, parseSpec, piSpec } from "./spec.ts";
import { list, sweep } from "./sweep.ts";

const names = layout();
/** As the program has it in a resource's inputs; who calls by hand need not say it. */
const { PEAK_START: start, PEAK_MACHINE_ID: machineId } = process.env;
const stdin = () => text(process.stdin);

const verbs: Record<string, () => Promise<unknown>> = {
  "host-packages": () => hostPackages(),
  rootfs: async () => ({ directory: await rootfs() }),
  "network up": async () => networkUp(names, parseSpec(networkSpec, await stdin()), start),
  "network down": () => networkDown(names),
  "pi up": async () => piUp(names, parseSpec(piSpec, await stdin()), start, machineId),
  "pi down": async () => piDown(names, parseSpec(downSpec, await stdin()).name),
  "client up": async () => clientUp(names, parseSpec(clientSpec, await stdin()), start),
  "client down": async () => clientDown(names, parseSpec(downSpec, await stdin()).name),
  list: () => list(names),
  sweep: () => sweep(names),
};

// What nodes see of the files that are made here must not depend on the caller.
process.umask(0o022);
const name = process.argv.slice(2).join(" ");
const verb = verbs[name];
try {
  if (!verb) throw new Error(`"${name}" is none of: ${Object.keys(verbs).join(", ")}`);
  if (name !== "list" && process.getuid?.() !== 0) throw new Error(`${name}: needs root, for network namespaces and containers: use sudo`);
  process.stdout.write(`${JSON.stringify((await verb()) ?? {})}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
