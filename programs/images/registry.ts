import { once } from "node:events";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { writeSecrets } from "./builder.ts";
import type { Destination } from "./destination.ts";
import { forward } from "./forward.ts";
import type { DestinationSpec } from "./spec.ts";

const MANIFESTS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** How often, and how far apart in milliseconds, a registry that does not listen yet is asked. */
const ATTEMPTS = 60;
const INTERVAL = 500;

/** A registry that images are pushed to, as a destination has it. */
export type RegistryAccess = Extract<DestinationSpec, { host: string }>;

/** A registry, with TLS and a password or over plain HTTP: nodes pull by digest from it. */
export function registryDestination(registry: RegistryAccess): Destination {
  const reference = (repository: string, tag: string, digest: string) => `${registry.host}/${repository}:${tag}@${digest}`;
  return {
    async find(repository, tag) {
      const digest = await manifestDigest(registry, repository, tag);
      return digest === undefined ? undefined : reference(repository, tag, digest);
    },
    async take({ builder, image, repository, tag, directory }) {
      const { address, port } = addressOf(registry);
      await using forwarder = await forward(address, port);
      const host = `localhost:${forwarder.port}`;
      const target = `${host}/${repository}:${tag}`;
      if (registry.kind === "registry") {
        await writeSecrets(directory, { ...registry, registry: host });
        await builder.push({ image, target, secrets: directory });
      } else await builder.push({ image, target });
      const digest = await manifestDigest(registry, repository, tag);
      if (digest === undefined) throw new Error(`registry ${registry.host} took ${repository}:${tag} and does not have it: see its log`);
      return reference(repository, tag, digest);
    },
  };
}

/** Where to connect to, and the name of who is there. */
function addressOf(registry: RegistryAccess): { name: string; address: string; port: number } {
  const at = registry.host.lastIndexOf(":");
  const name = registry.host.slice(0, at);
  return { name, address: registry.kind === "registry" ? registry.address : name, port: Number(registry.host.slice(at + 1)) };
}

/** The digest of an image in the registry, undefined if there is none with that tag. Throws if the registry cannot be asked. */
async function manifestDigest(registry: RegistryAccess, repository: string, tag: string): Promise<string | undefined> {
  const response = await head(registry, `/v2/${repository}/manifests/${tag}`);
  if (response.statusCode === 404) return undefined;
  const digest = response.headers["docker-content-digest"];
  if (response.statusCode === 200 && typeof digest === "string") return digest;
  const refused = response.statusCode === 401 && registry.kind === "registry";
  const reason = refused ? `user ${registry.username} and its password are refused` : `status ${response.statusCode}`;
  throw new Error(`registry ${described(registry)}, asked for ${repository}:${tag}: ${reason}`);
}

function described(registry: RegistryAccess): string {
  return registry.kind === "registry" ? `${registry.host} at ${registry.address}` : `${registry.host} (plain HTTP)`;
}

async function head(registry: RegistryAccess, path: string): Promise<IncomingMessage> {
  const { name, address, port } = addressOf(registry);
  const options = {
    method: "HEAD",
    host: address,
    port,
    path,
    headers: { host: registry.host, accept: MANIFESTS.join(", ") },
    agent: false,
    timeout: 30_000,
  } as const;
  for (let attempt = 1; ; attempt++) {
    try {
      const question =
        registry.kind === "registry"
          ? tlsRequest({ ...options, servername: name, ca: registry.authority, auth: `${registry.username}:${registry.password}` })
          : plainRequest(options);
      question.once("timeout", () => question.destroy(new Error("no answer within 30 s")));
      question.end();
      const [response] = (await once(question, "response")) as [IncomingMessage];
      response.resume();
      return response;
    } catch (error) {
      // It may be a second from its start; anything but a closed port will not go away by waiting.
      if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED" && attempt < ATTEMPTS) await sleep(INTERVAL);
      else throw new Error(`registry ${described(registry)} cannot be reached: ${(error as Error).message}`);
    }
  }
}
