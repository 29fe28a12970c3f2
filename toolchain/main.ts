import { setGlobalProxyFromEnv } from "node:http";
import { Argument, Command, CommanderError, Option } from "commander";
import { type Arch, type ProductName, arches, hostArch, productNames } from "./products.ts";
import { provide } from "./provide.ts";

setGlobalProxyFromEnv(); // HTTPS_PROXY and its kin

const interrupt = new AbortController();
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  // Once: a second one ends us at once, and the next run sweeps up.
  process.once(signal, () => {
    process.exitCode = code;
    interrupt.abort(new Error(`interrupted by ${signal}`));
  });
}

const program = new Command("toolchain").description("Provides the programs that Peak runs and that other people publish.").exitOverride();
program
  .command("provide")
  .description("Find on PATH, download or build. Prints one JSON line per product: product, version, arch, dir, digest, source.")
  .addArgument(new Argument("<product...>", "what to provide").choices(productNames))
  .addOption(new Option("--arch <arch>", "architecture of the binaries").choices(arches).default(hostArch))
  .action(async (wanted: ProductName[], { arch }: { arch: Arch }) => {
    for (const product of wanted) {
      const result = await provide(product, arch, { signal: interrupt.signal });
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  });

program
  .command("digest")
  .description("Provide a product, and print as JSON which it is, without where: what is true on every machine.")
  .addArgument(new Argument("<product>", "what to provide").choices(productNames))
  .addOption(new Option("--arch <arch>", "architecture of the binaries").choices(arches).default(hostArch))
  .action(async (wanted: ProductName, { arch }: { arch: Arch }) => {
    const { product, version, digest } = await provide(wanted, arch, { signal: interrupt.signal });
    process.stdout.write(`${JSON.stringify({ product, version, arch, digest })}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2; // it has told why itself
  } else {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode ??= 1;
  }
}
