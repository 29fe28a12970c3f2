import { Command } from "commander";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { loadConfig, parseZoneFlags } from "./config/config.ts";
import type { Config } from "./config/roles.ts";
import { addControlCommands } from "./control/commands.ts";
import { describeKey, newKey, writeKeyFile } from "./dnssec/key.ts";
import { loadSigner } from "./dnssec/load.ts";
import { FailureError, UserError } from "./runtime/errors.ts";
import { log } from "./runtime/log.ts";
import { unexpected } from "./runtime/unexpected.ts";
import { startServer } from "./server.ts";
import { checkUpdated, loadRootZone, loadZones } from "./source/static.ts";
import { PrometheusAccess } from "./steering/access.ts";
import { Certificate } from "./transport/certificate.ts";
import { foldName, formatName, parseName } from "./wire/name.ts";
import { loadZone, readZoneFile } from "./zone/load.ts";
import { formatFault } from "./zone/record.ts";

const collect = (value: string, before: readonly string[]): string[] => [...before, value];
const program = new Command("peakdns")
  .description("PeakDNS: an authoritative name server whose records are pods")
  .showHelpAfterError()
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

interface ServeFlags {
  readonly config?: string;
  readonly zone: readonly string[];
  readonly listen: readonly string[];
}

program
  .command("serve")
  .description("answer queries until SIGTERM; SIGHUP reads configuration and zones again")
  .option("--config <file>", "configuration (YAML)")
  .option("--zone <origin=file>", "serve a zone from a master file, instead of --config; repeatable", collect, [])
  .option("--listen <address:port>", "where to listen with --zone, such as [::1]:53; repeatable", collect, [])
  .action(async (flags: ServeFlags) => {
    const read = (): Config => {
      if (flags.config !== undefined && flags.zone.length + flags.listen.length > 0)
        throw new UserError("give either --config, or --zone and --listen");
      return flags.config === undefined ? parseZoneFlags(flags.zone, flags.listen) : loadConfig(flags.config);
    };
    const server = await startServer(read());
    process.on("SIGHUP", () => {
      const reload = async (): Promise<void> => {
        await server.reload(read());
        log("info", "the new configuration is in force");
      };
      reload().catch((error: unknown) =>
        log("error", "the old configuration stays in force", { error: error instanceof UserError ? error.message : String(error) }),
      );
    });
    // whatever was forgotten elsewhere ends here, and not the process
    process.on("unhandledRejection", (error) => unexpected("process", error));
    process.on("uncaughtException", (error) => unexpected("process", error));
    const signal = await Promise.race(["SIGTERM", "SIGINT"].map(async (name) => (await once(process, name), name)));
    log("info", "stopping", { signal });
    await server.close();
    process.exit(0);
  });

program
  .command("check-zone")
  .description("check a master file; exit code 2 when the zone is not usable")
  .argument("<origin>", "name of the zone")
  .argument("<file>", "master file")
  .option("--include", "allow $INCLUDE", false)
  .action((origin: string, file: string, { include }: { include: boolean }) => {
    const { zone, warnings } = loadZone(parseOrigin(origin), readZoneFile(file, include));
    for (const warning of warnings) process.stdout.write(`${formatFault(warning)}\n`);
    process.stdout.write(`zone ${formatName(zone.origin)} is usable: ${zone.nodes.size} names\n`);
  });

program
  .command("check-config")
  .description("check a configuration, and the zones, keys and certificate that it names; exit code 2 when it is faulty")
  .argument("<file>", "configuration (YAML)")
  .action(async (file: string) => {
    const config = loadConfig(file);
    if (config.tls) new Certificate(config.tls).close();
    if (config.role === "cluster" && config.kubernetes.kubeconfig !== undefined) {
      const { loadKubeConfig } = await import("./kubernetes/watch.ts");
      loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context);
    }
    if (config.role === "cluster" && config.prometheus) new PrometheusAccess(config.prometheus).close();
    if (config.role === "secondary") for (const { origin, dnssec } of config.zones) if (dnssec) loadSigner(origin, dnssec);
    const loaded = config.role === "root" ? [loadRootZone(config)] : config.role === "zones" ? loadZones(config) : [];
    const warnings = loaded.flatMap((zone) => zone.warnings.map(formatFault));
    if (config.role === "root") warnings.push(...checkUpdated(config, loaded[0]!).map(formatFault));
    for (const warning of new Set(warnings)) process.stdout.write(`${warning}\n`);
    process.stdout.write(`${file} is usable\n`);
  });

const keygen = program.command("keygen").description("make a key");

keygen
  .command("tsig")
  .description("print a new TSIG key as it stands under the key `keys` of the configuration")
  .argument("<name>", "name of the key")
  .action((name: string) => {
    process.stdout.write(
      `- name: ${formatName(parseOrigin(name))}\n  algorithm: hmac-sha256\n  secret: ${randomBytes(32).toString("base64")}\n`,
    );
  });

keygen
  .command("dnssec")
  .description("write a new DNSSEC key to a file; print its DNSKEY, and the DS for the parent zone")
  .argument("<zone>", "name of the zone")
  .argument("<file>", "file to write, named under `dnssec.keys` of the configuration")
  .action((zone: string, file: string) => {
    const origin = parseOrigin(zone);
    const key = newKey();
    writeKeyFile(file, origin, key);
    process.stdout.write(describeKey(origin, key));
  });

addControlCommands(program);

function parseOrigin(text: string): ReturnType<typeof parseName> {
  try {
    return foldName(parseName(text));
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}

try {
  await program.parseAsync();
} catch (error) {
  // a fault of the user's, what failed, or the system's word on an address
  const system = error instanceof Error && "syscall" in error;
  if (!(error instanceof UserError || error instanceof FailureError) && !system) throw error;
  process.stderr.write(`peakdns: ${error.message}\n`);
  process.exit(error instanceof FailureError ? 1 : 2);
}
