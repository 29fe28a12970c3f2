/**
 * Stand-in for the official kubernetes plugin, for machines that cannot download it. The engine starts it with its own
 * address as the argument, reads the port from the first line of stdout, and calls the provider service there.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { engineLog } from "./engine.ts";
import { service } from "./server.ts";
import { isObject } from "./values.ts";

/** The version that programs ask for: that of their SDK package. */
function sdkVersion(): string {
  const path = createRequire(import.meta.url).resolve("@pulumi/kubernetes/package.json");
  const description: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!isObject(description) || typeof description["version"] !== "string") throw new Error(`${path} names no version`);
  return description["version"];
}

/** The engine may be killed without saying goodbye; then nobody else would end this process. */
function exitWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, 2000).unref();
}

const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const server = new grpc.Server(unlimited);
const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
server.addService(providerGrpc.ResourceProviderService, service(sdkVersion(), engineLog(engineAddress)));
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  exitWithParent();
  process.stdout.write(`${port}\n`);
});
