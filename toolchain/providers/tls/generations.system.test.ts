/** What the plugin makes is good for real servers and clients written in Go, and for a rotation of the authority that is half done. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { hostArch } from "../../products.ts";
import { provide } from "../../provide.ts";
import { RESOURCES } from "./resources.ts";

/** Which generations are trusted in each step of a rotation, and which is used. */
const steps = [{ trusted: [1], used: 1 }, { trusted: [1, 2], used: 1 }, { trusted: [1, 2], used: 2 }, { trusted: [2], used: 2 }] as const;
type Step = (typeof steps)[number];

let directory: string;
let bin: string;
let server: ChildProcess | undefined;

const make = async (name: string, inputs: object): Promise<Record<string, string>> => {
  const [, type] = Object.entries(RESOURCES).find(([token]) => token.endsWith(`:${name}`))!;
  return (await type.make(inputs, new Date())).outputs as Record<string, string>;
};
const file = (name: string) => join(directory, name);
const bundle = ({ trusted }: Step) => file(`ca-${trusted.join("-")}.crt`);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "peak-generations-"));
  bin = join((await provide("etcd", hostArch)).dir, "bin");
  const authorities: string[] = [];
  for (const generation of [1, 2]) {
    const { privateKeyPem: caKey } = await make("PrivateKey", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    const { certPem } = await make("SelfSignedCert", {
      privateKeyPem: caKey, subject: { commonName: `ca ${generation}` }, isCaCertificate: true, allowedUses: ["cert_signing"], validityPeriodHours: 1,
    });
    authorities.push(certPem!);
    const { privateKeyPem, privateKeyPemPkcs8 } = await make("PrivateKey", { algorithm: "ECDSA", ecdsaCurve: "P256" });
    const names = { subject: { commonName: "etcd" }, dnsNames: ["localhost"], ipAddresses: ["::1"] };
    const { certRequestPem } = await make("CertRequest", { privateKeyPem, ...names });
    const issued = await make("LocallySignedCert", {
      caCertPem: certPem, caPrivateKeyPem: caKey, certRequestPem, validityPeriodHours: 1,
      allowedUses: ["digital_signature", "server_auth", "client_auth"],
    });
    await writeFile(file(`${generation}.crt`), issued["certPem"]!);
    await writeFile(file(`${generation}.key`), privateKeyPemPkcs8!, { mode: 0o600 });
  }
  for (const step of steps) await writeFile(bundle(step), step.trusted.map((generation) => authorities[generation - 1]).join(""));
}, 900_000);

afterEach(() => void server?.kill("SIGKILL"));
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const socket = createServer().listen(0, "::1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  socket.close();
  return port;
}

/** Starts etcd in one step. @returns whether a client in another step can use it, and it trusts that client */
async function serveIn(step: Step): Promise<(client: Step) => Promise<boolean>> {
  const [url, peer] = [`https://[::1]:${await freePort()}`, `http://[::1]:${await freePort()}`];
  server = spawn(join(bin, "etcd"), [
    `--data-dir=${await mkdtemp(file("data-"))}`, `--listen-client-urls=${url}`, `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`, "--unsafe-no-fsync",
    `--cert-file=${file(`${step.used}.crt`)}`, `--key-file=${file(`${step.used}.key`)}`, `--trusted-ca-file=${bundle(step)}`, "--client-cert-auth",
  ], { stdio: "ignore" });
  const ask = async (client: Step, patience: string): Promise<boolean> => promisify(execFile)(join(bin, "etcdctl"), [
    `--endpoints=${url}`, `--cacert=${bundle(client)}`, `--cert=${file(`${client.used}.crt`)}`, `--key=${file(`${client.used}.key`)}`,
    `--command-timeout=${patience}`, `--dial-timeout=${patience}`, "endpoint", "health",
  ]).then(() => true, () => false);
  for (let tries = 0; tries < 60 && !(await ask(step, "2s")); tries++);
  return (client) => ask(client, "3s");
}

test.each([0, 1, 2, 3])("server in step %i: clients in the same step, the one before and the next are served, others are not", async (index) => {
  const isServed = await serveIn(steps[index]!);
  const served = [];
  for (const client of steps) served.push(await isServed(client));
  expect(served).toEqual(steps.map((_, other) => Math.abs(other - index) <= 1));
}, 300_000);
