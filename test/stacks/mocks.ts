import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { fakeContext } from "../harness/kube-context.ts";

/** A resource as the program registered it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** URNs of what it waits for. */
  dependencies: string[];
}

/** The SDK's mocks know no hooks, and leave who registers one waiting. */
Object.assign(MockMonitor.prototype, { registerResourceHook: (_: unknown, done: (error: null, answer: object) => void) => done(null, {}) });

/** What each resource waits for, by type and name: the SDK's mocks are not told. */
const dependencies = new Map<string, string[]>();
interface Request {
  getType(): string;
  getName(): string;
  getDependenciesList(): string[];
}
const { registerResource } = MockMonitor.prototype as unknown as { registerResource: (request: Request, done: unknown) => Promise<void> };
Object.assign(MockMonitor.prototype, {
  registerResource(this: unknown, request: Request, done: unknown) {
    dependencies.set(`${request.getType()} ${request.getName()}`, request.getDependenciesList());
    return registerResource.call(this, request, done);
  },
});

/** What the commands of the program print, by the start of the command. Any other command throws. */
const printed: [command: string, stdout: string][] = [
  ["node programs/virtual/main.ts", "{}"],
  ["node programs/hosts/main.ts silent", "{}"],
  ["node programs/hosts/main.ts look", '{"incarnation":"incarnation"}'],
  ["node programs/hosts/main.ts settle", "incarnation"],
  ["node programs/hosts/main.ts admit", ""],
  ["node programs/binaries/main.ts push", "d".repeat(64)],
  ["node --disable-warning=ExperimentalWarning programs/images/main.ts build", JSON.stringify({ ref: `registry.peak.internal:5000/peak/image:0123456789abcdef@sha256:${"e".repeat(64)}` })],
  ["node programs/images/main.ts versions", JSON.stringify({ libc6: "2.36-9" })],
  ["node toolchain/main.ts digest", JSON.stringify({ digest: "d".repeat(64) })],
];

/** What resources of the program have when they are made: their inputs, and what a provider would add. @throws Error for a type without one */
export function outputs({ type, name, inputs }: Omit<Registered, "dependencies">): Record<string, unknown> {
  if (type === "command:local:Command") {
    const found = printed.find(([command]) => String(inputs["create"]).startsWith(command));
    if (!found) throw new Error(`no mock for the command: ${String(inputs["create"])}`);
    return { ...inputs, stdout: found[1], stderr: "" };
  }
  if (type === "command:remote:Command") return { ...inputs, stdout: "", stderr: "" };
  if (type === "tls:index/privateKey:PrivateKey") {
    return {
      ...inputs, privateKeyPem: `KEY ${name}`, privateKeyPemPkcs8: `KEY ${name}`, publicKeyPem: `PUBLIC KEY ${name}\n`,
      privateKeyOpenssh: `-----BEGIN OPENSSH PRIVATE KEY-----\n${name}\n`, publicKeyOpenssh: `ssh-ed25519 ${name}\n`,
    };
  }
  if (type === "tls:index/certRequest:CertRequest") return { ...inputs, certRequestPem: `REQUEST ${name}` };
  if (/^tls:index\/(selfSigned|locallySigned)Cert:/.test(type)) {
    return { ...inputs, certPem: `CERTIFICATE ${name}\n`, validityStartTime: "2026-01-01T00:00:00Z", validityEndTime: "2027-01-01T00:00:00Z" };
  }
  if (type === "random:index/randomPassword:RandomPassword") return { ...inputs, result: "password", bcryptHash: "$2a$hash" };
  if (type === "random:index/randomUuid:RandomUuid") return { ...inputs, result: "uuid" };
  if (type === "pulumi:index:Stash") return { ...inputs, output: inputs["input"] };
  if (type === "kubernetes:core/v1:Service") return { ...inputs, spec: { clusterIP: "fd00::5", ...(inputs["spec"] as object) } };
  if (/^(kubernetes:|pulumi:providers:|peak:)/.test(type)) return inputs;
  throw new Error(`no mock for resources of type ${type}`);
}

/** What a function of a provider returns. @throws Error for one that the program has no business with */
export function answer(token: string, inputs: Record<string, unknown>): Record<string, unknown> {
  const found = printed.find(([command]) => inputs["command"] === command);
  if (token === "command:local:run" && found) return { ...inputs, stdout: found[1], stderr: "" };
  throw new Error(`no mock for the call ${token}`);
}

/**
 * Runs index.ts as the stack of that name, with the values of its Pulumi.STACK.yaml, against mocks: no engine, no machine, no cluster.
 * Whatever is not mocked throws.
 * @param changed configuration that differs from the file's
 */
export async function runStack(
  stack: string,
  changed: Record<string, string> = {},
): Promise<{ resources: Registered[]; outputs: Record<string, unknown> }> {
  const resources: Registered[] = [];
  const { config } = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8")) as { config: Record<string, unknown> };
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs, id }) => {
      const registered: Registered = { type, name, inputs: inputs as Record<string, unknown>, dependencies: dependencies.get(`${type} ${name}`) ?? [] };
      const state = outputs(registered);
      resources.push(registered);
      return { id: id || `${name}-id`, state };
    },
    call: ({ token, inputs }) => answer(token, inputs as Record<string, unknown>),
  }, "peak", stack, false);
  const texts = Object.entries({ ...config, ...changed }).map(([key, value]) => [key, String(value)]);
  pulumi.runtime.setAllConfig(Object.fromEntries(texts) as Record<string, string>);
  const { default: peak } = await import("../../index.ts");
  await using existing = await fakeContext("minikube");
  const before = { ...process.env };
  Object.assign(process.env, existing.env);
  const result = await peak().finally(() => (process.env = before));
  const settled = await new Promise<Record<string, unknown>>((resolve, reject) => {
    pulumi.output(result).apply((value) => resolve(value as Record<string, unknown>));
    setTimeout(() => reject(new Error("the outputs of the stack never came to be")), 60_000).unref();
  });
  await pulumi.runtime.disconnect();
  return { resources, outputs: settled };
}
