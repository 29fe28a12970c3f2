import * as grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/engine_pb.js";

/** Lines of progress to the engine, sent in order, one call at a time. */
export class EngineLog {
  #client: service.EngineClient | undefined;
  #last: Promise<void> = Promise.resolve();

  /** Sends to the engine at this host and port from now on. */
  connect(address: string): void {
    this.#client?.close();
    this.#client = new service.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Queues a line for a resource. One that cannot be delivered is dropped: an engine that is gone has nobody to show it to. */
  send(line: string, urn: string): void {
    const client = this.#client;
    if (!client) return;
    const request = new pb.LogRequest().setSeverity(pb.LogSeverity.INFO).setMessage(line).setUrn(urn).setEphemeral(true);
    this.#last = this.#last.then(() => new Promise((resolve) => client.log(request, () => resolve())));
  }

  /** Resolves when everything queued so far was sent. */
  async flush(): Promise<void> {
    await this.#last;
  }
}
