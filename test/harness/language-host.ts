/**
 * A stand-in for the official CLI's Node language host, which is not in the package registries. It runs a project's program as that
 * one does: by the SDK's own `cmd/run` in a `node` from PATH, with the same arguments and environment; and a policy pack by its
 * `cmd/run-policy-pack`. What a preview or an update of this project does not need (installing packages, debugging, code generation, other
 * runtime options and plugins) it does not have.
 *
 * The engine starts it as `pulumi-language-nodejs ENGINE_ADDRESS` and reads the port that it listens on (loopback) from its standard
 * output.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";

/** How `cmd/run` ends when it has told the user already what is wrong. */
const TOLD_THE_USER = 32;

const engineAddress = process.argv.at(-1) ?? "";

/** Runs the program to its end, which the engine is told with the reason. */
async function run(request: language.RunRequest): Promise<language.RunResponse> {
  const info = request.getInfo();
  if (info === undefined) throw new Error("the engine has not said where the program is");
  const directory = info.getProgramDirectory();
  // The project's own SDK, as the program will load it.
  const runner = createRequire(join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run");
  const options = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info.getRootDirectory(),
    stack: request.getStack(),
    pwd: directory,
    parallel: String(request.getParallel()),
  };
  const given = Object.entries(options).filter(([, value]) => value !== "").flatMap(([name, value]) => [`--${name}`, value]);
  const dryRun = request.getDryrun() ? ["--dry-run"] : [];
  // NAMESPACE:config:NAME, the form that SDKs of any age read.
  const config = [...request.getConfigMap().entries()].map(([key, value]) => [key.replace(":", ":config:"), value]);

  const child = spawn("node", [runner, ...given, ...dryRun, info.getEntryPoint(), ...request.getArgsList()], {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config)),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      ...compiling(info),
    },
  });
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  const response = new language.RunResponse();
  if (code === 0) return response;
  return code === TOLD_THE_USER ? response.setBail(true) : response.setError(`the program ended with ${code ?? signal}`);
}

/** Has the SDK compile TypeScript, unless a project says that it need not. */
function compiling(info: language.ProgramInfo): NodeJS.ProcessEnv {
  return (info.getOptions()?.toJavaScript()["typescript"] ?? true) === true ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {};
}

/** Runs a policy pack for as long as the engine wants it; the engine reads the pack's port from what it prints. */
function runPlugin(call: grpc.ServerWritableStream<language.RunPluginRequest, language.RunPluginResponse>): void {
  const { request } = call;
  const info = request.getInfo();
  if (info === undefined || request.getKind() !== "analyzer") {
    call.emit("error", { code: grpc.status.UNIMPLEMENTED, details: `the stand-in for the language host runs no ${request.getKind()}` });
    return;
  }
  const directory = info.getProgramDirectory();
  const runner = createRequire(join(directory, "package.json")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  const given = Object.fromEntries(request.getEnvList().map((line) => line.split(/=(.*)/s, 2)));
  const pack = spawn("node", [runner, ...request.getArgsList(), directory], {
    cwd: request.getPwd(),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...given, ...compiling(info) },
  });
  pack.stdout.on("data", (bytes: Buffer) => call.write(new language.RunPluginResponse().setStdout(bytes)));
  pack.stderr.on("data", (bytes: Buffer) => call.write(new language.RunPluginResponse().setStderr(bytes)));
  pack.once("close", (code) => {
    call.write(new language.RunPluginResponse().setExitcode(code ?? 1));
    call.end();
  });
  call.once("cancelled", () => pack.kill());
  process.once("exit", () => pack.kill());
}

/** An implementation's promise as the answer to a call. */
function answer<Request, Response>(implementation: (request: Request) => Promise<Response>): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    implementation(call.request).then(
      (response) => callback(null, response),
      (error: Error) => callback({ code: grpc.status.UNKNOWN, details: error.message }),
    );
  };
}

const server = new grpc.Server();
server.addService(service.LanguageRuntimeService, {
  getPluginInfo: answer(async () => new plugin.PluginInfo()),
  // The engine finds the plugins on PATH when the program asks for them.
  getRequiredPackages: answer(async () => new language.GetRequiredPackagesResponse()),
  run: answer(run),
  runPlugin,
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
// The engine holds the other end of our standard input: its end is the engine's end.
process.stdin.once("close", () => process.exit()).resume();
