import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { eventually } from "./client.ts";

export interface Serving {
  readonly process: ChildProcess;
  /** The first address that it listens on. */
  readonly endpoint: Endpoint;
  /** What it has logged so far. */
  readonly lines: readonly string[];
}

/**
 * Starts `peakdns serve` and reads its log until it says where it serves.
 * @param started told of the process at once, to end it in any case
 * @param node flags of Node's own
 */
export async function serveCommand(
  args: readonly string[],
  started: (child: ChildProcess) => void,
  node: readonly string[] = [],
): Promise<Serving> {
  const command = [...node, join(import.meta.dirname, "../main.ts"), "serve", ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "ignore", "pipe"] });
  started(child);
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  const line = await eventually(
    () => lines.find((text) => text.includes('"serving"')),
    (found) => found !== undefined,
  );
  const { listen } = JSON.parse(line!) as { listen: string[] };
  return { process: child, endpoint: parseEndpoint(listen[0]!)!, lines };
}
