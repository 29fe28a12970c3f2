/** A plugin as the engine sees it, for comparing the bundled ones with the official ones: the same calls to either, without an engine. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import { reveal, type Properties } from "../shared/properties.ts";

/** A resource as the program declares it. */
export interface Declared {
  readonly type: string;
  readonly name: string;
  readonly news: Properties;
}

/** A resource as the engine stores it. */
export interface Stored {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface Difference {
  /** Paths that changed. */
  readonly changes: readonly string[];
  readonly replaces: readonly string[];
}

export interface Plugin extends AsyncDisposable {
  /** Checks and creates a resource. */
  create(resource: Declared): Promise<Stored>;
  /** What an update of the stored resource would change. */
  diff(resource: Declared, stored: Stored): Promise<Difference>;
  update(resource: Declared, stored: Stored): Promise<Stored>;
  /** The resource as a refresh finds it; undefined if it is gone. */
  read(resource: Declared, stored: Stored): Promise<Stored | undefined>;
  delete(resource: Declared, stored: Stored): Promise<void>;
  diffConfig(olds: Properties, news: Properties): Promise<Difference>;
}

/** Starts the plugin that is in a folder. */
export async function startPlugin(folder: string, name: string, config: Properties = {}): Promise<Plugin> {
  const child = spawn(`${folder}/pulumi-resource-${name}`, ["127.0.0.1:1"], {
    env: { ...process.env, PEAK_NODE: process.execPath },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    if (child.exitCode === null && child.kill()) await once(child, "exit");
  };
  try {
    const [port] = (await Promise.race([
      once(createInterface(child.stdout), "line"),
      once(child, "exit").then(() => Promise.reject(new Error(`the plugin ${name} of ${folder} ended at once`))),
    ])) as [string];
    const options = { "grpc.max_receive_message_length": -1 };
    const client = new service.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), options);
    const plugin = connected(client);
    await plugin.configure(name, config);
    return {
      ...plugin,
      async [Symbol.asyncDispose]() {
        client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function connected(client: service.ResourceProviderClient) {
  const call = <Request, Response>(method: (request: Request, done: (error: Error | null, answer: Response) => void) => unknown) =>
    promisify<Request, Response>(method.bind(client) as never);
  const urnOf = ({ type, name }: Declared): string => `urn:pulumi:test::plugins::${type}::${name}`;
  const diffed = (answer: pb.DiffResponse): Difference => ({
    changes: [...answer.getDetaileddiffMap().keys(), ...answer.getDiffsList()].sort(),
    replaces: answer.getReplacesList().sort(),
  });

  const check = async (resource: Declared, olds: Properties = {}): Promise<Properties> => {
    const request = new pb.CheckRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name);
    request.setOlds(toStruct(olds)).setNews(toStruct(resource.news)).setRandomseed(new Uint8Array(32));
    const answer = await call<pb.CheckRequest, pb.CheckResponse>(client.check)(request);
    const faults = answer.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`);
    if (faults.length > 0) throw new Error(`${urnOf(resource)}: ${faults.join("; ")}`);
    return properties(answer.getInputs());
  };

  return {
    async configure(name: string, config: Properties): Promise<void> {
      const request = new pb.ConfigureRequest().setAcceptsecrets(true).setAcceptresources(true).setSendsOldInputs(true);
      request.setSendsOldInputsToDelete(true).setArgs(toStruct(config));
      for (const [key, value] of Object.entries(reveal(config) as Properties)) request.getVariablesMap().set(`${name}:config:${key}`, String(value));
      await call<pb.ConfigureRequest, pb.ConfigureResponse>(client.configure)(request);
    },
    async create(resource: Declared): Promise<Stored> {
      const inputs = await check(resource);
      const request = new pb.CreateRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name).setProperties(toStruct(inputs));
      const answer = await call<pb.CreateRequest, pb.CreateResponse>(client.create)(request);
      return { id: answer.getId(), inputs, outputs: properties(answer.getProperties()) };
    },
    async diff(resource: Declared, { id, inputs, outputs }: Stored): Promise<Difference> {
      const request = new pb.DiffRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name).setId(id);
      request.setOlds(toStruct(outputs)).setOldInputs(toStruct(inputs)).setNews(toStruct(await check(resource, inputs)));
      return diffed(await call<pb.DiffRequest, pb.DiffResponse>(client.diff)(request));
    },
    async update(resource: Declared, { id, inputs, outputs }: Stored): Promise<Stored> {
      const news = await check(resource, inputs);
      const request = new pb.UpdateRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name).setId(id);
      request.setOlds(toStruct(outputs)).setOldInputs(toStruct(inputs)).setNews(toStruct(news));
      const answer = await call<pb.UpdateRequest, pb.UpdateResponse>(client.update)(request);
      return { id, inputs: news, outputs: properties(answer.getProperties()) };
    },
    async read(resource: Declared, { id, inputs, outputs }: Stored): Promise<Stored | undefined> {
      const request = new pb.ReadRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name).setId(id);
      request.setInputs(toStruct(inputs)).setProperties(toStruct(outputs));
      const answer = await call<pb.ReadRequest, pb.ReadResponse>(client.read)(request);
      if (answer.getId() === "") return undefined;
      return { id: answer.getId(), inputs: properties(answer.getInputs()), outputs: properties(answer.getProperties()) };
    },
    async delete(resource: Declared, { id, inputs, outputs }: Stored): Promise<void> {
      const request = new pb.DeleteRequest().setUrn(urnOf(resource)).setType(resource.type).setName(resource.name).setId(id);
      request.setProperties(toStruct(outputs)).setOldInputs(toStruct(inputs));
      await call<pb.DeleteRequest, unknown>(client.delete as never)(request);
    },
    async diffConfig(olds: Properties, news: Properties): Promise<Difference> {
      const request = new pb.DiffRequest().setUrn("urn:pulumi:test::plugins::pulumi:providers:kubernetes::cluster");
      request.setOlds(toStruct(olds)).setOldInputs(toStruct(olds)).setNews(toStruct(news));
      return diffed(await call<pb.DiffRequest, pb.DiffResponse>(client.diffConfig)(request));
    },
  };
}

function toStruct(value: Properties): struct.Struct {
  return struct.Struct.fromJavaScript(value as Parameters<typeof struct.Struct.fromJavaScript>[0]);
}

function properties(message: struct.Struct | undefined): Properties {
  return (message?.toJavaScript() ?? {}) as Properties;
}
