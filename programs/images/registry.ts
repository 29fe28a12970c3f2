import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { RegistryAccess } from "./spec.ts";

const MANIFESTS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** How often, and how far apart in milliseconds, a registry that does not listen yet is asked. */
const ATTEMPTS = 60;
const INTERVAL = 500;

/** Name and port of the registry. */
export function hostAndPort({ host }: RegistryAccess): { name: string; port: number } {
  const at = host.lastIndexOf(":");
  return { name: host.slice(0, at), port: Number(host.slice(at + 1)) };
}

/** The digest of an image in the registry, undefined if there is none with that tag. Throws if the registry cannot be asked. */
export async function manifestDigest(registry: RegistryAccess, repository: string, tag: string): Promise<string | undefined> {
  const response = await head(registry, `/v2/${repository}/manifests/${tag}`);
  if (response.statusCode === 404) return undefined;
  const digest = response.headers["docker-content-digest"];
  if (response.statusCode === 200 && typeof digest === "string") return digest;
  const reason = response.statusCode === 401 ? `user ${registry.username} and its password are refused` : `status ${response.statusCode}`;
  throw new Error(`registry ${registry.host} at ${registry.address}, asked for ${repository}:${tag}: ${reason}`);
}

async function head(registry: RegistryAccess, path: string): Promise<IncomingMessage> {
  const { name, port } = hostAndPort(registry);
  for (let attempt = 1; ; attempt++) {
    try {
      const question = request({
        method: "HEAD",
        host: registry.address,
        port,
        path,
        servername: name,
        ca: registry.authority,
        auth: `${registry.username}:${registry.password}`,
        headers: { host: registry.host, accept: MANIFESTS.join(", ") },
        agent: false,
        timeout: 30_000,
      });
      question.once("timeout", () => question.destroy(new Error("no answer within 30 s")));
      question.end();
      const [response] = (await once(question, "response")) as [IncomingMessage];
      response.resume();
      return response;
    } catch (error) {
      // It may be a second from its start; anything but a closed port will not go away by waiting.
      if ((error as NodeJS.ErrnoException).code === "ECONNREFUSED" && attempt < ATTEMPTS) await sleep(INTERVAL);
      else throw new Error(`registry ${registry.host} at ${registry.address} cannot be reached: ${(error as Error).message}`);
    }
  }
}
