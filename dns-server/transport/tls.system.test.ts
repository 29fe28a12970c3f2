import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { TEST_HOST, writeCertificate } from "../testing/certificate.ts";

/** Knot's kdig asks over every transport, and checks the certificate. */

describe.skipIf(!which("kdig"))("kdig", () => {
  let server: Server;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "peakdns-kdig-"));
    await writeCertificate(folder);
    const config = {
      role: "root",
      listen: ["[::1]:0", "127.0.0.1:0"],
      tls: { certificate: "cert.pem", key: "key.pem", listen: ["[::1]:0", "127.0.0.1:0"], https: ["[::1]:0", "127.0.0.1:0"] },
      zone: "peak",
      records: "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns AAAA 2001:db8::53\n",
    };
    server = await startServer(parseConfig(JSON.stringify(config), join(folder, "config.yaml")));
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const ask = async (port: number, address: string, ...flags: string[]): Promise<string> => {
    const child = spawn("kdig", [`@${address}`, "-p", String(port), ...flags, "ns.peak", "AAAA"]);
    const [output] = await Promise.all([child.stdout.toArray(), once(child, "close")]);
    return Buffer.concat(output).toString();
  };
  const secure = (): string[] => [`+tls-ca=${join(folder, "cert.pem")}`, `+tls-host=${TEST_HOST}`];

  test.each([
    ["::1", 0],
    ["127.0.0.1", 1],
  ])("at %s", async (address, index) => {
    const { endpoints, tls, https } = server;
    const port = endpoints[index]!.port;
    expect(await ask(port, address, "+notcp", "+edns", "+cookie")).toMatch(/status: NOERROR[^]*2001:db8::53/);
    expect(await ask(port, address, "+tcp", "+keepopen")).toMatch(/2001:db8::53[^]*\(TCP\)/);
    expect(await ask(tls[index]!.port, address, "+tls", ...secure(), "+padding")).toMatch(/TLS session[^]*2001:db8::53[^]*Received 468 B/);
    expect(await ask(https[index]!.port, address, "+https", ...secure())).toMatch(
      /HTTP session[^]*HTTP\/2-POST[^]*status: 200[^]*2001:db8::53/,
    );
    expect(await ask(https[index]!.port, address, "+https-get", "+https", ...secure())).toMatch(
      /HTTP\/2-GET[^]*status: 200[^]*2001:db8::53/,
    );
  });
});
