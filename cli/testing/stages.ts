import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProductName } from "../../toolchain/products.ts";
import { Interrupted } from "../errors.ts";
import { interrupts } from "../interrupt.ts";
import { root } from "../paths.ts";
import { installTestPackages } from "./packages.ts";
import { type Tally, tally } from "./results.ts";

/** A part of the tests, with what it needs on the host. */
interface Stage {
  name: string;
  what: string;
  /** Debian packages: servers to test against, and programs that the local stack runs on this host. */
  packages?: boolean;
  /** Products of the toolchain: fetched beforehand, where it shows how long that takes. */
  products?: readonly ProductName[];
  /** Too slow, or for too rare a case, for every run. */
  byNameOnly?: boolean;
}

const cluster = ["engine", "kubernetes", "etcd", "containerd", "coredns", "prometheus"] as const;

/** In this order; `./peak test` runs all but those that are asked for by name only. Each but `types` is a project of vitest.config.ts. */
export const stages: readonly Stage[] = [
  { name: "types", what: "type check" },
  { name: "unit", what: "unit and property tests" },
  { name: "stacks", what: "the stacks under mocks" },
  { name: "policy", what: "policies", products: ["engine"] },
  { name: "system", what: "tests with real servers, namespaces and builds", packages: true, products: ["engine", "kubernetes", "etcd"] },
  { name: "e2e", what: "end to end, on virtual Pis", packages: true, products: cluster },
  { name: "long", what: "what is slow and rare, on virtual Pis: only when asked for", packages: true, products: cluster, byNameOnly: true },
];

/** Runs a stage to its end and counts its tests. What the stage needs and cannot be had is its failure. */
export async function runStage(stage: Stage): Promise<Tally> {
  if (stage.name === "types") {
    const code = await run(["node_modules/typescript/bin/tsc", "--noEmit"]);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
  if (stage.packages) await installTestPackages();
  if (stage.products && (await run(["toolchain/main.ts", "provide", ...stage.products])) !== 0) return tally(undefined, 1);
  const dir = await mkdtemp(join(tmpdir(), "peak-test-"));
  try {
    const file = join(dir, "report.json");
    const code = await run([
      "node_modules/vitest/vitest.mjs",
      "run",
      "--project",
      stage.name,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
    ]);
    return tally(await readFile(file, "utf8").catch(() => undefined), code);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs a script of the project with this Node. Ctrl-C ends it as well, and then nothing follows it. */
async function run(args: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  using interrupt = interrupts(
    // A terminal has sent Ctrl-C to the child already, which takes a second one as an order to end at once.
    (signal) => (signal === "SIGINT" && process.stdin.isTTY) || child.kill("SIGINT"),
    () => child.kill("SIGKILL"),
  );
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("exit", resolve));
  if (interrupt.signal.aborted) throw new Interrupted("the tests were interrupted");
  return code;
}
