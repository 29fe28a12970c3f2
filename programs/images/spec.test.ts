import { describe, expect, it } from "vitest";
import { type BuildRequest, parseBuildRequest } from "./spec.ts";

const registry = { kind: "registry", host: "registry.test:5000", address: "fd00::1", authority: "PEM", username: "peak", password: "p" };
const image = { name: "echo", arch: "arm64", entry: "services/echo/main.ts", base: { libc6: "2.36-9+deb12u14" } };

function parse(change: object, of: object = registry): BuildRequest {
  return parseBuildRequest(JSON.stringify({ image: { ...image, ...change }, destination: of }));
}

describe("parseBuildRequest", () => {
  it("takes an entry or a folder", () => {
    expect(parse({})).toEqual({ image: { ...image, files: [] }, destination: registry });
    const files = [{ product: "coredns", binary: "coredns", digest: "1" }];
    expect(parse({ entry: undefined, folder: "tool", files }).image).toEqual({ name: "echo", arch: "arm64", folder: "tool", files, base: image.base });
  });

  it.each([
    [{ folder: "tool" }],
    [{ entry: undefined }],
    [{ name: "Echo" }],
    [{ name: "../echo" }],
    [{ arch: "x64" }],
    [{ base: "" }],
    [{ base: undefined }],
    [{ base: { "libc6=1": "2" } }],
    [{ base: { libc6: "1,x" } }],
    [{ tag: "latest" }],
    [{ files: [{ product: "nginx", binary: "nginx", digest: "1" }] }],
    [{ files: [{ product: "coredns", binary: "../coredns", digest: "1" }] }],
    [{ files: [{ product: "coredns", binary: "coredns" }] }],
    [{ files: [{ from: "/x", to: "x", digest: "1" }] }],
  ])("refuses %j", (change) => {
    expect(() => parse(change)).toThrow("build request: ");
  });

  it.each([["registry.test"], ["[fd00::1]:5000"]])("refuses the registry %s", (host) => {
    expect(() => parse({}, { ...registry, host })).toThrow("NAME:PORT");
  });

  it("takes a registry without TLS, and a minikube profile, each with what it needs and no more", () => {
    const nodes = ["minikube a", "minikube-m02 b"];
    expect(parse({}, { kind: "plain-registry", host: "localhost:5000", nodes }).destination).toMatchObject({ host: "localhost:5000" });
    expect(parse({}, { kind: "minikube", profile: "minikube", nodes }).destination).toMatchObject({ profile: "minikube" });
    expect(() => parse({}, { kind: "minikube", nodes })).toThrow("profile");
    expect(() => parse({}, { kind: "plain-registry", host: "localhost:5000", nodes, password: "p" })).toThrow("password");
    expect(() => parse({}, { kind: "kind", nodes })).toThrow("build request: ");
  });
});
