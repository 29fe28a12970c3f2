import * as grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/engine_pb.js";
import type { Severity } from "./provider.ts";

const SEVERITIES: Readonly<Record<Severity, pb.LogSeverity>> = {
  debug: pb.LogSeverity.DEBUG,
  info: pb.LogSeverity.INFO,
  warning: pb.LogSeverity.WARNING,
  error: pb.LogSeverity.ERROR,
};

/** Messages to the engine, sent in order, one call at a time. */
export class EngineLog {
  #client: service.EngineClient | undefined;
  #last: Promise<void> = Promise.resolve();

  /** @param address host and port of the engine, if it is known already */
  constructor(address: string | undefined) {
    if (address !== undefined) this.connect(address);
  }

  /** Sends to the engine at this address from now on. */
  connect(address: string): void {
    this.#client?.close();
    this.#client = new service.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Queues a message. A message that cannot be delivered is dropped: an engine that is gone has nobody to show it to. */
  send(severity: Severity, message: string, urn: string, ephemeral: boolean): void {
    const client = this.#client;
    if (!client) return;
    const request = new pb.LogRequest().setSeverity(SEVERITIES[severity]).setMessage(message).setUrn(urn).setEphemeral(ephemeral);
    this.#last = this.#last.then(() => new Promise((resolve) => client.log(request, () => resolve())));
  }

  /** Resolves when everything queued so far was sent. */
  async flush(): Promise<void> {
    await this.#last;
  }
}
