/**
 * Stand-in for the official kubernetes plugin, for machines that cannot download it. The engine starts it with its own
 * address as the argument, reads the port from the first line of stdout, and calls the provider service there.
 */

import grpc from "@grpc/grpc-js";
import sdk from "@pulumi/kubernetes/package.json" with { type: "json" };
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { engineLog } from "./engine.ts";
import { service } from "./server.ts";

const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const server = new grpc.Server(unlimited);
const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
server.addService(providerGrpc.ResourceProviderService, service(sdk.version, engineLog(engineAddress)));
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  // The engine holds the other end of our standard input: it closes when the engine ends, even if it is killed.
  process.stdin.once("close", () => process.exit(0)).resume();
  process.stdout.write(`${port}\n`);
});
