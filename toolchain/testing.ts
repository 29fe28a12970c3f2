// What the tests of this folder share: a cache of their own, a server that stands in for a publisher, and progress that can be looked at.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type RequestListener, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { Progress } from "./progress.ts";

/** A directory that is gone after the test, with the cache in it. */
export function temporary(): string {
  const base = mkdtempSync(join(tmpdir(), "peak-toolchain-"));
  vi.stubEnv("PEAK_CACHE", join(base, "cache"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(base, { recursive: true, force: true });
  });
  return base;
}

export function recorder(): Progress & { steps: string[]; updates: string[] } {
  const steps: string[] = [];
  const updates: string[] = [];
  return { steps, updates, step: (text) => void steps.push(text), update: (text) => void updates.push(text) };
}

/** A server on loopback until the test ends; returns its URL without a slash at the end. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Serves bodies by path; 404 for the rest. `requests` lists what was asked for. */
export async function publish(files: Readonly<Record<string, Buffer | string>>): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const url = await serve((request, response) => {
    requests.push(request.url ?? "");
    const body = files[request.url ?? ""];
    response.statusCode = body === undefined ? 404 : 200;
    response.end(body);
  });
  return { url, requests };
}

/** A URL where nobody listens. */
export async function closedUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${port}`;
}

export const sha256 = (body: Buffer | string): string => createHash("sha256").update(body).digest("hex");

/** A .tar.gz of files by member name. */
export function tarball(base: string, members: Readonly<Record<string, string>>): Buffer {
  const dir = mkdtempSync(join(base, "tar-"));
  for (const [member, body] of Object.entries(members)) {
    mkdirSync(dirname(join(dir, member)), { recursive: true });
    writeFileSync(join(dir, member), body);
  }
  const file = join(base, "made.tar.gz");
  execFileSync("tar", ["-czf", file, "-C", dir, "."]);
  return readFileSync(file);
}

/** A directory at the front of PATH with the given shell script as `go`. */
export function fakeGo(base: string, script: string): void {
  const dir = mkdtempSync(join(base, "go-"));
  writeFileSync(join(dir, "go"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${dir}:/usr/bin:/bin`);
}
