import { describe, expect, it } from "vitest";
import { type BuildRequest, parseBuildRequest } from "./spec.ts";

const registry = { host: "registry.test:5000", address: "fd00::1", authority: "PEM", username: "peak", password: "p" };
const image = { name: "echo", arch: "arm64", entry: "services/echo/main.ts" };

function parse(change: object, of: object = registry): BuildRequest {
  return parseBuildRequest(JSON.stringify({ image: { ...image, ...change }, registry: of }));
}

describe("parseBuildRequest", () => {
  it("takes an entry or a folder", () => {
    expect(parse({})).toEqual({ image: { ...image, files: [] }, registry });
    const files = [{ from: "/cache/x", to: "bin/x", digest: "1" }];
    expect(parse({ entry: undefined, folder: "tool", files }).image).toEqual({ name: "echo", arch: "arm64", folder: "tool", files });
  });

  it.each([
    [{ folder: "tool" }],
    [{ entry: undefined }],
    [{ name: "Echo" }],
    [{ name: "../echo" }],
    [{ arch: "x64" }],
    [{ base: "" }],
    [{ tag: "latest" }],
    [{ files: [{ from: "x", to: "x", digest: "1" }] }],
    [{ files: [{ from: "/x", to: "../x", digest: "1" }] }],
    [{ files: [{ from: "/x", to: "/x", digest: "1" }] }],
    [{ files: [{ from: "/x", to: "x" }] }],
  ])("refuses %j", (change) => {
    expect(() => parse(change)).toThrow("build request: ");
  });

  it.each([["registry.test"], ["[fd00::1]:5000"]])("refuses the registry %s", (host) => {
    expect(() => parse({}, { ...registry, host })).toThrow("NAME:PORT");
  });
});
