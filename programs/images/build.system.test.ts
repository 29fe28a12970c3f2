import "reflect-metadata"; // needed by @peculiar/x509
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { KeyObject, webcrypto } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { hash } from "bcryptjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../shell/run.ts";
import { buildImage } from "./build.ts";
import { writeSecrets } from "./builder.ts";
import { forward } from "./forward.ts";
import { hostAndPort } from "./registry.ts";
import type { BuildResult, ImageSpec, RegistryAccess } from "./spec.ts";

const project = join(import.meta.dirname, "../..");
const echo: ImageSpec = { name: "echo", arch: "amd64", entry: "services/echo/main.ts", files: [] };

const forever = new AbortController().signal;

let work: string;
let registry: RegistryAccess;
let server: ChildProcess;

/** Builds with the lines of progress apart. */
async function build(image: ImageSpec, root = project, access = registry): Promise<BuildResult & { progress: string[] }> {
  const progress: string[] = [];
  const result = await buildImage({ image, registry: access }, { root, signal: forever, progress: (line) => progress.push(line) });
  return { ...result, progress };
}

/** An authority that is the registry's certificate, too. */
async function authority(): Promise<{ certificate: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=registry.test",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new SubjectAlternativeNameExtension([{ type: "dns", value: "registry.test" }, { type: "dns", value: "localhost" }]),
    ],
  });
  return { certificate: certificate.toString("pem"), key: KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }) as string };
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "peak-images-test-"));
  process.env.PEAK_CACHE = join(work, "cache");
  const port = await freePort();
  const { certificate, key } = await authority();
  registry = { host: `registry.test:${port}`, address: "::1", authority: certificate, username: "peak", password: "pass:word" };
  await writeFile(join(work, "server.crt"), certificate);
  await writeFile(join(work, "server.key"), key);
  await writeFile(join(work, "htpasswd"), `peak:${await hash(registry.password, 4)}\n`);
  await writeFile(
    join(work, "registry.json"),
    JSON.stringify({
      version: "0.1",
      storage: { filesystem: { rootdirectory: join(work, "registry") } },
      http: { addr: `[::1]:${port}`, tls: { certificate: join(work, "server.crt"), key: join(work, "server.key") } },
      auth: { htpasswd: { realm: "test", path: join(work, "htpasswd") } },
    }),
  );
  const env = { ...process.env, OTEL_TRACES_EXPORTER: "none" };
  server = spawn("docker-registry", ["serve", join(work, "registry.json")], { stdio: "ignore", env });
  await once(server, "spawn");
});

afterAll(async () => {
  server?.kill("SIGKILL");
  await rm(work, { recursive: true, force: true });
});

describe("buildImage", { timeout: 180_000 }, () => {
  let built: Awaited<ReturnType<typeof build>>;

  it("builds and pushes an image, and leaves nothing of the build behind", async () => {
    built = await build(echo);
    expect(built.ref).toBe(`${registry.host}/peak/echo:${built.tag}@${built.digest}`);
    expect(built.progress.at(-1)).toBe(`peak/echo:${built.tag}: pushing`);
    expect(existsSync(join(work, "cache/image-storage/work"))).toBe(false);
    expect(await readFile("/proc/mounts", "utf8")).not.toContain(work);
  });

  it("does not build what the registry has", async () => {
    const again = await build(echo);
    expect(again).toEqual({ ...built, progress: [`peak/echo:${built.tag} is in the registry`] });
  });

  it("builds several at once", async () => {
    const names = ["one", "two", "three"];
    const all = await Promise.all(names.map((name) => build({ ...echo, name })));
    // The same content under another name has the same tag, and since builds are reproducible the same digest.
    expect(all.map(({ tag, digest }) => ({ tag, digest }))).toEqual(names.map(() => ({ tag: built.tag, digest: built.digest })));
  });

  it("builds a folder with a product of the toolchain, also for another architecture", async () => {
    const root = join(work, "project");
    await mkdir(join(root, "tool"), { recursive: true });
    await mkdir(join(root, "programs/images/base"), { recursive: true });
    await cp(join(project, "package-lock.json"), join(root, "package-lock.json"));
    await cp(join(project, "programs/images/base"), join(root, "programs/images/base"), { recursive: true });
    await symlink(join(project, "node_modules"), join(root, "node_modules"));
    await writeFile(join(root, "tool/Dockerfile"), 'ARG BASE\nFROM ${BASE}\nCOPY product /product\nCMD ["/product"]\n');
    await writeFile(join(work, "product"), "#!/bin/true\n", { mode: 0o755 });
    const spec = { name: "tool", folder: "tool", files: [{ from: join(work, "product"), to: "product", digest: "1" }] };
    const here = await build({ ...spec, arch: "amd64" }, root);
    const there = await build({ ...spec, arch: "arm64" }, root);
    expect(there.tag).not.toBe(here.tag);
  });

  it("is stopped by its signal, and goes on another time", async () => {
    const stop = new AbortController();
    const image = { ...echo, name: "stopped" };
    const progress = (line: string) => line.endsWith(": building") && setImmediate(() => stop.abort());
    await expect(buildImage({ image, registry }, { root: project, signal: stop.signal, progress })).rejects.toThrow();
    expect(existsSync(join(work, "cache/image-storage/work"))).toBe(false);
    expect((await build(image)).digest).toBe(built.digest);
  });

  it("names the registry when the password is wrong", async () => {
    const wrong = { ...registry, password: "x" };
    await expect(build(echo, project, wrong)).rejects.toThrow(`registry ${registry.host} at ::1, asked for peak/echo`);
  });

  it("trusts no other authority", async () => {
    const other = { ...registry, authority: (await authority()).certificate };
    await expect(build(echo, project, other)).rejects.toThrow("cannot be reached: ");
  });
});

describe("the image of echo", { timeout: 60_000 }, () => {
  const id = `peak-test-${process.pid}`;
  let bundle: string;

  /**
   * Unpacks the pushed image and starts it as a pod would: not root, on a root file system that cannot be written, without any
   * capability.
   */
  async function start(): Promise<ChildProcess> {
    bundle = join(work, "bundle");
    await mkdir(bundle);
    const { tag } = await build(echo);
    await using forwarder = await forward(registry.address, hostAndPort(registry).port);
    const host = `localhost:${forwarder.port}`;
    await writeSecrets(bundle, { ...registry, registry: host });
    const store = ["--root", join(bundle, "root"), "--runroot", join(bundle, "run"), "--storage-driver", "vfs"];
    const buildah = async (...args: string[]) => (await run("buildah", [...store, ...args])).trim();
    const access = ["--authfile", join(bundle, "config.json"), "--cert-dir", bundle];
    const container = await buildah("from", "--quiet", ...access, `docker://${host}/peak/echo:${tag}`);
    const inspected: unknown = JSON.parse(await buildah("inspect", container));
    const { User, WorkingDir, Cmd, Env } = (inspected as { OCIv1: { config: ImageConfig } }).OCIv1.config;
    const root = await buildah("mount", container);
    expect(["bin/sh", "usr/bin/openssl", "etc/apt", "etc/resolv.conf"].filter((path) => existsSync(join(root, path)))).toEqual([]);
    expect(await readFile(join(root, "etc/ssl/certs/ca-certificates.crt"), "utf8")).toContain("BEGIN CERTIFICATE");
    const [uid, gid] = User.split(":").map(Number);
    const pod = ["POD_NAME=echo-1", "NODE_NAME=pi2", "POD_IPS=2001:db8::10,fd00::10", "DRAIN_SECONDS=0"];
    await writeFile(
      join(bundle, "config.json"),
      JSON.stringify({
        ociVersion: "1.0.2",
        root: { path: root, readonly: true },
        process: { user: { uid, gid }, cwd: WorkingDir, args: Cmd, env: [...Env, ...pod], noNewPrivileges: true },
        mounts: [
          { destination: "/proc", type: "proc", source: "proc" },
          { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
        ],
        linux: {
          namespaces: [{ type: "pid" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }, { type: "network" }],
          sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" },
        },
      }),
    );
    return spawn("runc", ["--root", join(bundle, "runc"), "run", "--bundle", bundle, id], { stdio: ["ignore", "pipe", "inherit"] });
  }

  function runc(...args: string[]): string {
    return execFileSync("runc", ["--root", join(bundle, "runc"), ...args], { encoding: "utf8" });
  }

  afterAll(() => {
    if (bundle && existsSync(join(bundle, "runc"))) runc("delete", "--force", id);
  });

  it("answers on port 80 and stops at SIGTERM", async () => {
    const container = await start();
    const exit = once(container, "exit");
    const output = container.stdout!.setEncoding("utf8")[Symbol.asyncIterator]();
    expect((await output.next()).value).toBe("listening on [::]:80\n");

    // Its network is its own: a relay in that namespace makes port 80 reachable over a socket file.
    const { pid } = JSON.parse(runc("state", id)) as { pid: number };
    const inside = ["--net", "--target", String(pid)];
    execFileSync("nsenter", [...inside, "ip", "link", "set", "lo", "up"]);
    const path = join(bundle, "relay.sock");
    const relay = spawn("nsenter", [...inside, process.execPath, "-e", relayProgram, path], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(relay.stdout, "data");
      const get = request({ socketPath: path, path: "/" }).end();
      const [answer] = (await once(get, "response")) as [IncomingMessage];
      expect(await json(answer)).toEqual({ pod: "echo-1", node: "pi2", addresses: ["2001:db8::10", "fd00::10"], requests: 1 });
      expect(await fetchStatus(path, "/work?ms=1")).toBe(200);
    } finally {
      relay.kill("SIGKILL");
    }

    runc("kill", id, "TERM");
    expect(await exit).toEqual([0, null]);
  });
});

interface ImageConfig {
  User: string;
  WorkingDir: string;
  Cmd: string[];
  Env: string[];
}

const relayProgram = `
  const { connect, createServer } = require("node:net");
  createServer((near) => near.pipe(connect(80, "::1")).pipe(near)).listen(process.argv[1], () => console.log("ready"));
`;

async function fetchStatus(socketPath: string, path: string): Promise<number | undefined> {
  const get = request({ socketPath, path }).end();
  const [answer] = (await once(get, "response")) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "::1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}
