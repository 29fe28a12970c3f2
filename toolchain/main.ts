import { Command, Option } from "commander";
import { type Arch, type ProductName, arches, productNames } from "./products.ts";
import { provide } from "./provide.ts";

const names = productNames.join(", ");
const interrupt = new AbortController();
for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  process.once(signal, () => {
    process.exitCode = code;
    interrupt.abort(new Error(`interrupted by ${signal}`));
  });
}

const program = new Command("toolchain").description("Provides the programs that Peak runs and that other people publish.");
program
  .command("provide")
  .description("Find, download or build products. Prints one JSON line for each: product, version, arch, dir, digest, source.")
  .argument("<product...>", names)
  .addOption(new Option("--arch <arch>", "architecture of the binaries").choices(arches).default(process.arch === "arm64" ? "arm64" : "amd64"))
  .action(async (wanted: string[], { arch }: { arch: Arch }) => {
    for (const product of wanted.map(productName)) {
      const result = await provide(product, arch, { signal: interrupt.signal });
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  });

function productName(wanted: string): ProductName {
  const name = productNames.find((known) => known === wanted);
  if (name === undefined) throw Object.assign(new Error(`unknown product "${wanted}": one of ${names}`), { exitCode: 2 });
  return name;
}

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= error instanceof Error && "exitCode" in error ? Number(error.exitCode) : 1;
}
