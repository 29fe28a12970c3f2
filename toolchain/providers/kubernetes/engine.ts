/** The engine's log, to which the provider writes by gRPC. */

import grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import type { Log } from "./context.ts";

/**
 * @param address where the engine listens, HOST:PORT; without one (a plugin started by hand) messages go to stderr
 */
export function engineLog(address: string | undefined): Log {
  if (address === undefined) {
    const write = (urn: string, message: string): void => void process.stderr.write(`${urn}: ${message}\n`);
    return { info: write, warning: write, status: () => undefined };
  }
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
  const send = (severity: engine.LogSeverity, urn: string, message: string, ephemeral: boolean): void => {
    const request = new engine.LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A message that gets lost is no reason to fail an update.
    client.log(request, () => undefined);
  };
  return {
    info: (urn, message) => send(engine.LogSeverity.INFO, urn, message, false),
    warning: (urn, message) => send(engine.LogSeverity.WARNING, urn, message, false),
    status: (urn, message) => send(engine.LogSeverity.INFO, urn, message, true),
  };
}
