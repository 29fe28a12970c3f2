import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime/index.js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Image, type ImageArgs } from "./image.ts";

let made: MockResourceArgs[];

beforeEach(async () => {
  made = [];
  await pulumi.runtime.setMocks({
    call: ({ token }) => {
      throw new Error(`unmocked call: ${token}`);
    },
    newResource: (resource) => {
      made.push(resource);
      const stdout = JSON.stringify({ ref: "registry.test:5000/peak/echo:1@sha256:2" });
      return { id: resource.name, state: { ...resource.inputs, stdout } };
    },
  });
});

afterEach(() => pulumi.runtime.disconnect());

const registry = { kind: "registry", host: "registry.test:5000", address: "fd00::1", authority: "PEM", username: "peak" } as const;
const destination = pulumi.output({ ...registry, password: pulumi.secret("p") });
const base = { libc6: "2.36-9+deb12u14", "libstdc++6": "12.2.0-14+deb12u1" };
const echo: ImageArgs = { name: "echo", source: { entry: "services/echo/main.ts" }, arch: "arm64", base, destination };
const coredns = (digest: string): ImageArgs => ({
  name: "coredns",
  source: { folder: "components/cluster/coredns" },
  arch: "arm64",
  base,
  files: [{ product: { product: "coredns", digest }, binary: "coredns" }],
  destination,
});

async function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

async function command(args: ImageArgs): Promise<Record<string, unknown>> {
  await value(new Image(args.name, args).ref);
  return made.find(({ type, name }) => type === "command:local:Command" && name === args.name)!.inputs;
}

it("is one command, with the request on its secret standard input and the tag as its trigger", async () => {
  const image = new Image("echo", echo);
  expect(await value(image.ref)).toBe("registry.test:5000/peak/echo:1@sha256:2");
  expect(await pulumi.isSecret(image.ref)).toBe(false);
  expect(made.map(({ type }) => type)).toEqual(["peak:images:Image", "command:local:Command"]);
  const { create, stdin, triggers, ...rest } = made[1]!.inputs as Record<string, unknown>;
  expect({ create, rest }).toEqual({ create: "node --disable-warning=ExperimentalWarning programs/images/main.ts build", rest: { logging: "stderr", addPreviousOutputInEnv: false } });
  expect(stdin).toHaveProperty("value");
  expect(JSON.parse((stdin as { value: string }).value)).toEqual({
    image: { name: "echo", arch: "arm64", entry: "services/echo/main.ts", base, files: [] },
    destination: { ...registry, password: "p" },
  });
  expect(triggers).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
});

it("has another trigger for another architecture, base or product, and for nothing else", async () => {
  const tag = async (args: ImageArgs): Promise<unknown> => {
    made = [];
    return ((await command(args)).triggers as unknown[])[0];
  };
  const first = await tag(echo);
  expect(await tag({ ...echo, destination: { ...registry, password: "p", address: "fd00::2" } })).toBe(first);
  expect(await tag({ ...echo, arch: "amd64" })).not.toBe(first);
  expect(await tag({ ...echo, base: "example.test/node:26" })).not.toBe(first);
  expect(await tag({ ...echo, base: { "libstdc++6": base["libstdc++6"], libc6: base.libc6 } })).toBe(first);
  // A security update.
  expect(await tag({ ...echo, base: { ...base, libc6: "2.36-9+deb12u15" } })).not.toBe(first);
  expect(await tag(coredns("a"))).toBe(await tag(coredns("a")));
  expect(await tag(coredns("a"))).not.toBe(await tag(coredns("b")));
});

it("keeps nothing of where things are on this machine", async () => {
  const inputs = JSON.stringify(await command(coredns("a")));
  expect(inputs).toContain("files");
  expect(inputs).not.toMatch(/"\//);
});
