import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { Authority, Certificate } from "../pki/certificate.ts";
import { accepted, generationName, type Generations } from "../pki/generations.ts";
import { waiting } from "../waiting.ts";

/** How to reach the registry that the cluster pulls from. */
export interface RegistryAccess {
  /** Name and port as image references have them (an IPv6 literal is not allowed there). */
  host: string;
  /** The address behind the name, for those who cannot resolve it. */
  address: string;
  /** PEM of the authorities, one of which signed its certificate. */
  authority: pulumi.Output<string>;
  username: string;
  /** A secret; the registry asks for it on pull and push. */
  password: pulumi.Output<string>;
}

export interface RegistryArgs {
  host: Host;
  /** Of its authority and of its password. */
  generations: Generations;
}

const directory = "/etc/peak/registry";
const port = 5000;
const hostName = "registry.peak.internal";

/** An image registry on one host: TLS from an authority of its own, credentials for everything. */
export class Registry extends pulumi.ComponentResource {
  readonly access: RegistryAccess;
  readonly authority: Authority;
  readonly setup: HostSetup;
  /** Changes when what was pushed is lost. */
  readonly store: pulumi.Output<string>;

  constructor(name: string, { host, generations }: RegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:cluster:Registry", name, {}, own);
    this.authority = new Authority(`${name}-ca`, { commonName: "peak registry", generations }, { parent: this });
    const serving = new Certificate(`${name}-server`, {
      authority: this.authority,
      // Pushes arrive through a forwarder on the operator's loopback.
      subject: { commonName: hostName, dns: [hostName, "localhost"], ip: [host.ula, "127.0.0.1", "::1"], usages: ["server"] },
    }, { parent: this });
    // A user for each generation of the password, so that two of them can be good at a time.
    const users = new Map(accepted(generations).map((generation) => [generation, {
      username: generationName("peak", generation),
      password: new random.RandomPassword(generationName(`${name}-password`, generation), { length: 32, special: false }, { parent: this }),
    }]));
    const { username, password } = users.get(generations[0])!;
    const entries = [...users.values()].map(({ username, password }) => pulumi.interpolate`${username}:${password.bcryptHash}\n`);
    this.access = { host: `${hostName}:${port}`, address: host.ula, authority: this.authority.bundle, username, password: password.result };

    this.store = pulumi.interpolate`${host.name} ${host.incarnation}`;
    this.setup = new HostSetup(`${name}-${host.name}`, {
      host,
      packages: ["docker-registry"],
      files: [
        { path: `${directory}/config.yml`, content: renderRegistry(host.ula) },
        { path: `${directory}/htpasswd`, content: pulumi.concat(...entries), mode: 0o600 },
        { path: `${directory}/server.crt`, content: serving.certificate },
        { path: `${directory}/server.key`, content: serving.key, mode: 0o600 },
      ],
      directories: ["/var/lib/peak-registry"],
      units: [{
        name: "peak-registry.service",
        description: "The stack's image registry",
        type: "exec",
        after: ["network-online.target"],
        exec: ["/usr/bin/docker-registry", "serve", `${directory}/config.yml`],
        restart: "always",
      }],
    }, { parent: this, dependsOn, aliases: [{ name }] });
    this.registerOutputs({ host: this.access.host, address: this.access.address });
  }
}

/** The configuration of docker-registry (the distribution's Debian package). Pure. */
export function renderRegistry(address: string): string {
  return JSON.stringify({
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: "/var/lib/peak-registry" }, delete: { enabled: true } },
    http: { addr: `[${address}]:${port}`, tls: { certificate: `${directory}/server.crt`, key: `${directory}/server.key` } },
    auth: { htpasswd: { realm: "peak", path: `${directory}/htpasswd` } },
  }, undefined, 2);
}
