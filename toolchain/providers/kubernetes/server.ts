/** The ResourceProvider service of Pulumi's plugin protocol: translates its messages to the operations and back. */

import grpc from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { parseConfig, unsupported } from "./config.ts";
import { Context, type Log } from "./context.ts";
import type { ChangeKind } from "./diff.ts";
import type { Autonaming } from "./names.ts";
import { check } from "./operations/check.ts";
import { create } from "./operations/create.ts";
import { remove } from "./operations/delete.ts";
import { diff } from "./operations/diff.ts";
import { InitError } from "./operations/init-error.ts";
import { invoke } from "./operations/invoke.ts";
import { checkConfig, diffConfig } from "./operations/provider-config.ts";
import { read } from "./operations/read.ts";
import { update } from "./operations/update.ts";
import { isObject, type JsonObject } from "./values.ts";

const configPrefix = "kubernetes:config:";

/** The methods of the service; those that are left out are answered with UNIMPLEMENTED. */
export function service(version: string, log: Log): grpc.UntypedServiceImplementation {
  const cancellation = new AbortController();
  let context: Context | undefined;
  const configured = (): Context => {
    if (context === undefined) throw new Error("the provider was used before it was configured");
    return context;
  };

  return {
    getPluginInfo: unary<empty.Empty, plugin.PluginInfo>(async () => new plugin.PluginInfo().setVersion(version)),

    getSchema: unary<provider.GetSchemaRequest, provider.GetSchemaResponse>(async () =>
      new provider.GetSchemaResponse().setSchema(JSON.stringify({ name: "kubernetes", version })),
    ),

    checkConfig: unary<provider.CheckRequest, provider.CheckResponse>(async (request) => {
      const faults = checkConfig(properties(request.getNews()));
      const failures = faults.map(({ key, reason }) => new provider.CheckFailure().setProperty(key).setReason(reason));
      return new provider.CheckResponse().setInputs(request.getNews()).setFailuresList(failures);
    }),

    diffConfig: unary<provider.DiffRequest, provider.DiffResponse>(async (request) => {
      const { changed, replaces } = await diffConfig(properties(request.getOlds()), properties(request.getNews()));
      const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
      return new provider.DiffResponse()
        .setChanges(changed.length === 0 ? DIFF_NONE : DIFF_SOME)
        .setDiffsList([...changed])
        .setReplacesList([...replaces]);
    }),

    configure: unary<provider.ConfigureRequest, provider.ConfigureResponse>(async (request) => {
      const variables = Array.from(request.getVariablesMap().entries());
      const settings = variables
        .filter(([key]) => key.startsWith(configPrefix))
        .map(([key, value]) => [key.slice(configPrefix.length), value]);
      const { config, faults } = parseConfig(Object.fromEntries(settings), process.env);
      if (faults.length > 0) throw new Error(faults.map(({ key, reason }) => `kubernetes:${key}: ${reason}`).join("\n"));
      context = await Context.open(config, log, cancellation.signal);
      return new provider.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setSupportsAutonamingConfiguration(true);
    }),

    check: unary<provider.CheckRequest, provider.CheckResponse>(async (request) => {
      const inputs = await check(configured(), {
        urn: request.getUrn(),
        olds: properties(request.getOlds()),
        news: properties(request.getNews()),
        seed: request.getRandomseed_asU8(),
        autonaming: autonamingOf(request),
      });
      return new provider.CheckResponse().setInputs(struct.Struct.fromJavaScript(inputs));
    }),

    diff: unary<provider.DiffRequest, provider.DiffResponse>(async (request) => {
      const result = await diff(configured(), {
        urn: request.getUrn(),
        olds: properties(request.getOlds()),
        news: properties(request.getNews()),
        ignoreChanges: request.getIgnorechangesList(),
      });
      const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
      const response = new provider.DiffResponse()
        .setChanges(result.changes.length + result.replaces.length === 0 ? DIFF_NONE : DIFF_SOME)
        .setReplacesList([...result.replaces])
        .setDeletebeforereplace(result.deleteBeforeReplace)
        .setHasdetaileddiff(true);
      for (const { path, kind, replace } of result.changes) {
        const detail = new provider.PropertyDiff().setKind(propertyDiffKind(kind, replace)).setInputdiff(true);
        response.getDetaileddiffMap().set(path, detail);
      }
      return response;
    }),

    create: unary<provider.CreateRequest, provider.CreateResponse>(async (request) => {
      const { id, state } = await create(configured(), {
        urn: request.getUrn(),
        properties: properties(request.getProperties()),
        timeout: request.getTimeout(),
        preview: request.getPreview(),
      });
      return new provider.CreateResponse().setId(id).setProperties(struct.Struct.fromJavaScript(state));
    }),

    read: unary<provider.ReadRequest, provider.ReadResponse>(async (request) => {
      const found = await read(configured(), {
        urn: request.getUrn(),
        id: request.getId(),
        state: properties(request.getProperties()),
        inputs: properties(request.getInputs()),
      });
      if (found === undefined) return new provider.ReadResponse();
      return new provider.ReadResponse()
        .setId(found.id)
        .setProperties(struct.Struct.fromJavaScript(found.state))
        .setInputs(struct.Struct.fromJavaScript(found.inputs));
    }),

    update: unary<provider.UpdateRequest, provider.UpdateResponse>(async (request) => {
      const state = await update(configured(), {
        urn: request.getUrn(),
        id: request.getId(),
        olds: properties(request.getOlds()),
        news: properties(request.getNews()),
        timeout: request.getTimeout(),
        ignoreChanges: request.getIgnorechangesList(),
        preview: request.getPreview(),
      });
      return new provider.UpdateResponse().setProperties(struct.Struct.fromJavaScript(state));
    }),

    delete: unary<provider.DeleteRequest, empty.Empty>(async (request) => {
      await remove(configured(), {
        urn: request.getUrn(),
        id: request.getId(),
        state: properties(request.getProperties()),
        timeout: request.getTimeout(),
      });
      return new empty.Empty();
    }),

    invoke: unary<provider.InvokeRequest, provider.InvokeResponse>(async (request) => {
      const result = await invoke(configured(), request.getTok(), properties(request.getArgs()));
      return new provider.InvokeResponse().setReturn(struct.Struct.fromJavaScript(result));
    }),

    construct: unary<provider.ConstructRequest, provider.ConstructResponse>(async (request) => {
      throw new Error(unsupported(`${request.getType()} (${request.getName()})`));
    }),

    cancel: unary<empty.Empty, empty.Empty>(async () => {
      cancellation.abort();
      return new empty.Empty();
    }),
  };
}

function autonamingOf(request: provider.CheckRequest): Autonaming | undefined {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const { DISABLE, ENFORCE } = provider.CheckRequest.AutonamingOptions.Mode;
  const mode = options.getMode();
  return { mode: mode === DISABLE ? "disable" : mode === ENFORCE ? "enforce" : "propose", proposedName: options.getProposedName() };
}

function propertyDiffKind(kind: ChangeKind, replace: boolean): provider.PropertyDiff.Kind {
  const { ADD, ADD_REPLACE, DELETE, DELETE_REPLACE, UPDATE, UPDATE_REPLACE } = provider.PropertyDiff.Kind;
  const kinds = { add: [ADD, ADD_REPLACE], delete: [DELETE, DELETE_REPLACE], update: [UPDATE, UPDATE_REPLACE] } as const;
  return kinds[kind][replace ? 1 : 0];
}

function properties(message: struct.Struct | undefined): JsonObject {
  const value: unknown = message?.toJavaScript();
  return isObject(value) ? value : {};
}

/** A gRPC method from an asynchronous function; what it throws becomes the call's error. */
function unary<Request, Response>(answer: (request: Request) => Promise<Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    answer(call.request).then(
      (response) => callback(null, response),
      (error: unknown) => callback(serviceError(error), null),
    );
  };
}

function serviceError(error: unknown): grpc.ServiceError {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitError) metadata.add("grpc-status-details-bin", Buffer.from(initFailed(error).serializeBinary()));
  return Object.assign(new Error(message), { code: grpc.status.UNKNOWN, details: message, metadata });
}

/** gRPC carries the details of an error in a Status message of its own. */
function initFailed(error: InitError): status.Status {
  const detail = new provider.ErrorResourceInitFailed()
    .setId(error.id)
    .setProperties(struct.Struct.fromJavaScript(error.state))
    .setReasonsList([error.message]);
  if (error.inputs !== undefined) detail.setInputs(struct.Struct.fromJavaScript(error.inputs));
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const result = new status.Status();
  result.setCode(grpc.status.UNKNOWN);
  result.setMessage(error.message);
  result.addDetails(packed);
  return result;
}
