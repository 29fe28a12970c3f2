import * as grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { EngineLog } from "./engine-log.ts";
import type { Change } from "./diff.ts";
import type { Properties } from "./properties.ts";
import type { CheckFailure, CheckResult, DiffResult, Operation, Provider, ResourceRequest } from "./provider.ts";

// Messages hold whole resources; the engine's own limit is the same.
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;

/**
 * Serves a provider to the engine that started this process: prints the port that it listens on (loopback) and runs until the engine
 * goes away. All operations are aborted when the engine cancels, ends this process, or dies.
 */
export async function serve(provider: Provider): Promise<void> {
  const cancellation = new AbortController();
  const running = new Set<Promise<unknown>>();
  const engineLog = new EngineLog();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });

  const stop = async (): Promise<void> => {
    cancellation.abort();
    await Promise.allSettled(running);
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // The engine holds the other end of our standard input: its end is the engine's end, even after kill -9.
  process.stdin.once("close", stop).resume();

  server.addService(service.ResourceProviderService, handlers(provider, cancellation, engineLog, running));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  process.stdout.write(`${port}\n`);
}

function handlers(
  provider: Provider,
  cancellation: AbortController,
  engineLog: EngineLog,
  running: Set<Promise<unknown>>,
): grpc.UntypedServiceImplementation {
  const operation = (urn: string): Operation => ({
    signal: cancellation.signal,
    progress: (line) => engineLog.send(line, urn),
  });

  const unary =
    <Request, Response>(handle: (request: Request) => Promise<Response>) =>
    (call: grpc.ServerUnaryCall<Request, Response>, callback: grpc.sendUnaryData<Response>): void => {
      const work = handle(call.request).then(
        async (response) => {
          await engineLog.flush();
          callback(null, response);
        },
        async (error: unknown) => {
          await engineLog.flush();
          callback(toServiceError(error));
        },
      );
      running.add(work);
      void work.finally(() => running.delete(work));
    };

  return {
    handshake: unary(async (request: pb.ProviderHandshakeRequest) => {
      engineLog.connect(request.getEngineAddress());
      return new pb.ProviderHandshakeResponse().setAcceptSecrets(true);
    }),
    attach: unary(async (request: plugin.PluginAttach) => {
      engineLog.connect(request.getAddress());
      return new empty.Empty();
    }),
    getPluginInfo: unary(async () => new plugin.PluginInfo().setVersion(provider.version)),
    cancel: unary(async () => {
      cancellation.abort();
      return new empty.Empty();
    }),

    // The provider resources themselves have no configuration.
    checkConfig: unary(async (request: pb.CheckRequest) => new pb.CheckResponse().setInputs(request.getNews())),
    diffConfig: unary(async () => diffResponse({ changes: new Map() })),
    configure: unary(async () => new pb.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),

    check: unary(async (request: pb.CheckRequest) =>
      checkResponse(await provider.check({ ...resource(request), news: properties(request.getNews()) })),
    ),
    diff: unary(async (request: pb.DiffRequest) =>
      diffResponse(
        await provider.diff({
          ...resource(request),
          olds: properties(request.getOlds()),
          oldInputs: properties(request.getOldInputs()),
          news: properties(request.getNews()),
        }),
      ),
    ),
    create: unary(async (request: pb.CreateRequest) => {
      const result = await provider.create({
        ...resource(request),
        ...operation(request.getUrn()),
        inputs: properties(request.getProperties()),
        preview: request.getPreview(),
      });
      return new pb.CreateResponse().setId(result.id).setProperties(toStruct(result.outputs));
    }),
    read: unary(async (request: pb.ReadRequest) => {
      const result = await provider.read({
        ...resource(request),
        id: request.getId(),
        outputs: properties(request.getProperties()),
        inputs: properties(request.getInputs()),
      });
      return new pb.ReadResponse().setId(result.id).setProperties(toStruct(result.outputs)).setInputs(toStruct(result.inputs));
    }),
    update: unary(async (request: pb.UpdateRequest) => {
      const outputs = await provider.update({
        ...resource(request),
        ...operation(request.getUrn()),
        olds: properties(request.getOlds()),
        news: properties(request.getNews()),
        preview: request.getPreview(),
      });
      return new pb.UpdateResponse().setProperties(toStruct(outputs));
    }),
    delete: unary(async (request: pb.DeleteRequest) => {
      await provider.delete({
        ...resource(request),
        ...operation(request.getUrn()),
        outputs: properties(request.getProperties()),
      });
      return new empty.Empty();
    }),
    invoke: unary(async (request: pb.InvokeRequest) => {
      const { result, failures } = await provider.invoke({
        ...operation(""),
        token: request.getTok(),
        args: properties(request.getArgs()),
      });
      return new pb.InvokeResponse().setReturn(toStruct(result)).setFailuresList((failures ?? []).map(toFailure));
    }),
  };
}

function resource(request: { getType(): string; getName(): string }): ResourceRequest {
  return { type: request.getType(), name: request.getName() };
}

function properties(message: struct.Struct | undefined): Properties {
  return (message?.toJavaScript() ?? {}) as Properties;
}

function toStruct(value: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(value as Parameters<typeof struct.Struct.fromJavaScript>[0]);
}

function checkResponse(result: CheckResult): pb.CheckResponse {
  return new pb.CheckResponse().setInputs(toStruct(result.inputs)).setFailuresList((result.failures ?? []).map(toFailure));
}

function toFailure(failure: CheckFailure): pb.CheckFailure {
  return new pb.CheckFailure().setProperty(failure.property).setReason(failure.reason);
}

const KINDS: Readonly<Record<Change, readonly [inPlace: pb.PropertyDiff.Kind, replace: pb.PropertyDiff.Kind]>> = {
  add: [pb.PropertyDiff.Kind.ADD, pb.PropertyDiff.Kind.ADD_REPLACE],
  delete: [pb.PropertyDiff.Kind.DELETE, pb.PropertyDiff.Kind.DELETE_REPLACE],
  update: [pb.PropertyDiff.Kind.UPDATE, pb.PropertyDiff.Kind.UPDATE_REPLACE],
};

function diffResponse({ changes, replaces = [] }: DiffResult): pb.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = pb.DiffResponse.DiffChanges;
  const response = new pb.DiffResponse()
    .setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE)
    .setReplacesList([...replaces])
    .setDiffsList([...changes.keys()])
    .setHasdetaileddiff(true);
  for (const [path, change] of changes) {
    const kind = KINDS[change][replaces.includes(path) ? 1 : 0];
    response.getDetaileddiffMap().set(path, new pb.PropertyDiff().setKind(kind).setInputdiff(true));
  }
  return response;
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  return { code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}
