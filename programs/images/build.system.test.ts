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
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../shell/run.ts";
import { cached } from "../../toolchain/cache.ts";
import { type Arch, productKey, products } from "../../toolchain/products.ts";
import { versions } from "../../toolchain/versions.ts";
import { buildImage } from "./build.ts";
import { writeSecrets } from "./builder.ts";
import { type DebianVersions, lookUpVersions } from "./debian.ts";
import { forward } from "./forward.ts";
import { basePackages } from "./recipe.ts";
import type { DestinationSpec, ImageSpec } from "./spec.ts";

const project = join(import.meta.dirname, "../..");
let echo: ImageSpec;

const forever = new AbortController().signal;

/** What our own base image is made of today. */
const base = (arch: Arch) => lookUpVersions(versions.debian, arch, basePackages, forever);

let work: string;
let registry: Extract<DestinationSpec, { kind: "registry" }>;
let plain: Extract<DestinationSpec, { kind: "plain-registry" }>;
const servers: ChildProcess[] = [];

interface Built {
  ref: string;
  /** The two parts of a reference that a registry gives. */
  tag: string;
  digest: string | undefined;
  progress: string[];
}

/** Builds with the lines of progress apart. */
async function build(image: ImageSpec, root = project, destination: DestinationSpec = registry): Promise<Built> {
  const progress: string[] = [];
  const { ref } = await buildImage({ image, destination }, { root, signal: forever, progress: (line) => progress.push(line) });
  const [, tag = "", digest] = /:([0-9a-f]+)(?:@(.*))?$/.exec(ref) ?? [];
  return { ref, tag, digest, progress };
}

/** Starts a registry with a configuration. */
async function serve(name: string, config: object): Promise<void> {
  const file = join(work, `${name}.json`);
  await writeFile(file, JSON.stringify({ version: "0.1", storage: { filesystem: { rootdirectory: join(work, name) } }, ...config }));
  const env = { ...process.env, OTEL_TRACES_EXPORTER: "none" };
  const server = spawn("docker-registry", ["serve", file], { stdio: "ignore", env });
  servers.push(server);
  await once(server, "spawn");
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
  echo = { name: "echo", arch: "amd64", entry: "services/echo/main.ts", base: await base("amd64"), files: [] };
  work = await mkdtemp(join(tmpdir(), "peak-images-test-"));
  process.env.PEAK_CACHE = join(work, "cache");
  const port = await freePort();
  const { certificate, key } = await authority();
  registry = { kind: "registry", host: `registry.test:${port}`, address: "::1", authority: certificate, username: "peak", password: "pass:word" };
  await writeFile(join(work, "server.crt"), certificate);
  await writeFile(join(work, "server.key"), key);
  await writeFile(join(work, "htpasswd"), `peak:${await hash(registry.password, 4)}\n`);
  await serve("registry", {
    http: { addr: `[::1]:${port}`, tls: { certificate: join(work, "server.crt"), key: join(work, "server.key") } },
    auth: { htpasswd: { realm: "test", path: join(work, "htpasswd") } },
  });
  const plainPort = await freePort();
  plain = { kind: "plain-registry", host: `localhost:${plainPort}`, nodes: [] };
  await serve("plain-registry", { http: { addr: `localhost:${plainPort}` } });
});

afterAll(async () => {
  for (const server of servers) server.kill("SIGKILL");
  await rm(work, { recursive: true, force: true });
});

describe("buildImage", { timeout: 180_000 }, () => {
  let built: Built;

  it("builds and pushes an image, and leaves nothing of the build behind", async () => {
    built = await build(echo);
    expect(built.ref).toBe(`${registry.host}/peak/echo:${built.tag}@${built.digest}`);
    expect(built.progress.at(-1)).toBe(`peak/echo:${built.tag}: bringing it to the cluster`);
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
    await writeFile(join(root, "tool/Dockerfile"), 'ARG BASE\nFROM ${BASE}\nCOPY coredns /coredns\nCMD ["/coredns"]\n');
    const spec = { name: "tool", folder: "tool", files: [{ product: "coredns" as const, binary: "coredns", digest: "1" }] };
    for (const arch of ["amd64", "arm64"] as const) await provideCoredns(arch);
    const here = await build({ ...spec, base: echo.base, arch: "amd64" }, root);
    const there = await build({ ...spec, base: await base("arm64"), arch: "arm64" }, root);
    expect(there.tag).not.toBe(here.tag);

    // Another machine, or an emptied cache: what is needed is provided there.
    process.env.PEAK_CACHE = join(work, "other-cache");
    await provideCoredns("amd64");
    const elsewhere = await build({ ...spec, base: echo.base, name: "tool-elsewhere", arch: "amd64" }, root);
    process.env.PEAK_CACHE = join(work, "cache");
    expect(elsewhere).toMatchObject({ tag: here.tag, digest: here.digest });
  });

  /** Puts something that is no CoreDNS into the cache as if it had been built: what is inside does not matter here. */
  async function provideCoredns(arch: Arch): Promise<void> {
    await cached(productKey("coredns", arch), async (directory) => {
      await mkdir(join(directory, "bin"));
      await writeFile(join(directory, "bin/coredns"), "#!/bin/true\n", { mode: 0o755 });
      const { version } = products.coredns;
      await writeFile(join(directory, "provided.json"), JSON.stringify({ product: "coredns", version, arch, source: "built", digest: "1" }));
    });
  }

  it("pushes to a registry without TLS and without a password, once", async () => {
    const pushed = await build(echo, project, plain);
    expect(pushed.ref).toBe(`${plain.host}/peak/echo:${built.tag}@${pushed.digest}`);
    expect(await build(echo, project, plain)).toEqual({ ...pushed, progress: [`peak/echo:${built.tag} is in the registry`] });
  });

  it("says how it asked a registry that speaks TLS where it should not", async () => {
    const host = registry.host.replace("registry.test", "localhost");
    await expect(build(echo, project, { kind: "plain-registry", host, nodes: [] })).rejects.toThrow(`registry ${host} (plain HTTP)`);
  });

  describe("for minikube", () => {
    /** Stands in for minikube: loads an archive into a folder that stands in for the nodes, unless told to lose it, and lists what is there. */
    const standIn = (loses: boolean) => `#!/bin/sh
echo "$*" >> "${work}/minikube.calls"
[ "$1 $2 $3" = "--profile two image" ] || exit 64
case $4 in
  load) ${loses ? ":" : `tar -xOf "$5" manifest.json > "${work}/nodes.json"`} ;;
  ls) cat "${work}/nodes.json" ;;
esac
`;
    const path = process.env["PATH"];
    const minikube: DestinationSpec = { kind: "minikube", profile: "two", nodes: [] };
    const install = async (loses = false) => {
      await mkdir(join(work, "bin"), { recursive: true });
      await writeFile(join(work, "bin/minikube"), standIn(loses), { mode: 0o755 });
      await writeFile(join(work, "nodes.json"), "[]");
      process.env["PATH"] = `${join(work, "bin")}:${path}`;
    };
    afterEach(() => void (process.env["PATH"] = path));

    it("loads an archive into the nodes of the profile, and refers to it by a tag that no node pulls", async () => {
      await install();
      const loaded = await build(echo, project, minikube);
      expect(loaded.ref).toBe(`localhost/peak/echo:${built.tag}`);
      expect(JSON.parse(await readFile(join(work, "nodes.json"), "utf8"))).toMatchObject([{ RepoTags: [loaded.ref] }]);
      expect(existsSync(join(work, "cache/image-storage/work"))).toBe(false);
    });

    it("loads again when asked again: a node may have been added", async () => {
      await install();
      await build(echo, project, minikube);
      expect(await readFile(join(work, "nodes.json"), "utf8")).toContain("localhost/peak/echo:");
    });

    it("does not take for loaded what is not there afterwards", async () => {
      await install(true);
      await expect(build(echo, project, minikube)).rejects.toThrow(/minikube took localhost\/peak\/echo:.* and does not have it/);
    });

    it("says what to do when there is no minikube", async () => {
      await expect(build(echo, project, minikube)).rejects.toThrow("minikube is not installed: put it on PATH, or set peak:imageRegistry");
    });
  });

  it("is made of the packages whose versions are in its tag, or not at all", async () => {
    const image = { ...echo, name: "old", base: { ...(echo.base as DebianVersions), libc6: "2.36-9+deb12u0" } };
    await expect(build(image)).rejects.toThrow("look them up anew, by ./peak up --replace 'Command base-image'");
  });

  it("is stopped by its signal, and goes on another time", async () => {
    const stop = new AbortController();
    const image = { ...echo, name: "stopped" };
    const progress = (line: string) => line.endsWith(": building") && setImmediate(() => stop.abort());
    await expect(buildImage({ image, destination: registry }, { root: project, signal: stop.signal, progress })).rejects.toThrow();
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
    await using forwarder = await forward(registry.address, Number(registry.host.split(":")[1]));
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
