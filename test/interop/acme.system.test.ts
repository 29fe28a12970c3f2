import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { encodeQuery, exchangeUdp } from "../../dns-server/testing/client.ts";
import { decodeMessage } from "../../dns-server/testing/decode.ts";
import { Rcode } from "../../dns-server/wire/constants.ts";
import { enterNamespace } from "./namespace.ts";
import { Folder, Program, startPeakDns } from "./program.ts";
import { resolverAddress, startResolver, unbound } from "./resolvers.ts";
import { acmeKey, servers, startTree, type Tree } from "./tree.ts";

/** lego gets certificates from pebble, by TXT records that it puts into our zone; both find the zone through Unbound. */

const folder = new Folder();
const programs: Program[] = [];
let tree: Tree;
const ready = ["lego", "pebble", "unbound", "openssl", "kdig"].every((program) => which(program));

beforeAll(async () => {
  if (!ready) return;
  enterNamespace([...Object.values(servers), resolverAddress]);
  tree = await startTree(folder);
  programs.push(await startResolver(unbound, folder));
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:::1"];
  const files = ["-keyout", join(folder.path, "pebble.key"), "-out", join(folder.path, "pebble.crt")];
  execFileSync("openssl", [...request, ...files], { stdio: "ignore" });
  const config = folder.write(
    "pebble.json",
    JSON.stringify({
      pebble: {
        listenAddress: "[::1]:14000",
        managementListenAddress: "[::1]:15000",
        certificate: join(folder.path, "pebble.crt"),
        privateKey: join(folder.path, "pebble.key"),
        httpPort: 5002,
        tlsPort: 5001,
      },
    }),
  );
  const pebble = new Program(["pebble", "-config", config, "-dnsserver", `[${resolverAddress}]:53`], {
    PEBBLE_VA_NOSLEEP: "1",
    PEBBLE_WFE_NONCEREJECT: "0",
  });
  programs.push(pebble);
  await pebble.printed(/Root CA certificate available/);
  folder.write("resolv.conf", `nameserver ${resolverAddress}\n`);
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  await tree?.stop();
  folder.remove();
});

/** Runs lego where the names of the tree are the system's names: it asks each name server of the zone whether the record is there. */
function lego(domain: string, key: { name: string; secret: string }): SpawnSyncReturns<string> {
  const flags = ["--server", "https://[::1]:14000/dir", "--accept-tos", "--email", "admin@peak.test", "--path", folder.path];
  const dns = ["--dns", "rfc2136", "--dns.resolvers", `[${resolverAddress}]:53`, "--domains", domain, "run"];
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec lego "$@"';
  const resolvConf = join(folder.path, "resolv.conf");
  return spawnSync("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, "sh", resolvConf, ...flags, ...dns], {
    encoding: "utf8",
    timeout: 120_000,
    env: {
      ...process.env,
      LEGO_CA_CERTIFICATES: join(folder.path, "pebble.crt"),
      RFC2136_NAMESERVER: `[${servers.peak}]:53`,
      RFC2136_TSIG_ALGORITHM: "hmac-sha256.",
      RFC2136_TSIG_KEY: `${key.name}.`,
      RFC2136_TSIG_SECRET: key.secret,
      RFC2136_POLLING_INTERVAL: "1",
    },
  });
}

describe.skipIf(!ready)("lego and pebble", () => {
  test.each(["ns1.peak", "*.peak"])("a certificate of %s is had by DNS-01", async (domain) => {
    const { status, stdout, stderr } = lego(domain, acmeKey);
    expect(status, stdout + stderr).toBe(0);
    const certificate = new X509Certificate(readFileSync(join(folder.path, "certificates", `${domain.replace("*", "_")}.crt`)));
    expect(certificate.subjectAltName).toBe(`DNS:${domain}`);
    // the record was taken away again
    const name = `_acme-challenge.${domain.replace("*.", "")}`;
    const answer = decodeMessage(await exchangeUdp({ address: servers.peak, port: 53 }, encodeQuery(name, "TXT")));
    expect(answer).toMatchObject({ rcode: Rcode.NXDOMAIN, answer: [] });
  });

  test("with its certificate a server answers over TLS and HTTPS", async () => {
    const file = (ending: string): string => join(folder.path, "certificates", `ns1.peak.${ending}`);
    const listen = { listen: [`[${servers.root}]:853`], https: [`[${servers.root}]:443`] };
    const config = { role: "zones", listen: [`[${servers.root}]:5353`], zones: [{ origin: ".", file: "root.zone" }] };
    programs.push(await startPeakDns(folder, "tls", { ...config, tls: { certificate: file("crt"), key: file("key"), ...listen } }));
    const authority = join(folder.path, "certificates", "ns1.peak.issuer.crt");
    for (const transport of ["+tls", "+https"]) {
      const flags = [transport, `+tls-ca=${authority}`, "+tls-hostname=ns1.peak", "+short", `@${servers.root}`, "plain", "TXT"];
      const { stdout, stderr } = spawnSync("kdig", flags, { encoding: "utf8", timeout: 20_000 });
      expect(stdout, stderr).toBe('"text"\n');
    }
  });

  test("a key gets no certificate of a name that it was not granted", () => {
    const { status, stderr } = lego("www.peak", acmeKey);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/REFUSED/);
  });
});
