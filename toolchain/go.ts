import { mkdtemp, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, run } from "../shell/run.ts";
import { cacheFile } from "./cache.ts";
import { acquire } from "./lock.ts";
import type { Arch, Buildable } from "./products.ts";
import { type Progress, duration } from "./progress.ts";
import { Unavailable } from "./unavailable.ts";

/**
 * Builds a product's programs from its pinned modules into `bin`. Static binaries, the same bytes wherever the same Go builds them. Rejects
 * with Unavailable when there is no Go that can.
 */
export async function build(product: Buildable, arch: Arch, bin: string, progress: Progress, signal?: AbortSignal): Promise<void> {
  const started = Date.now();
  const report = (text: string): void => progress.update(`${product.name}: ${text}, ${duration(Date.now() - started)}`);
  // Go leaves its temporary files behind when it is killed; here they go with what was to become the entry.
  const scratch = await mkdtemp(join(bin, ".go-"));
  const target = { CGO_ENABLED: "0", GOOS: "linux", GOARCH: arch, GOFLAGS: "-mod=readonly", GOWORK: "off", GOTMPDIR: scratch };
  const options = { cwd: product.module, env: { ...process.env, ...target }, signal, background: true };
  await checkGo(options);

  // One at a time: linking Kubernetes alone takes more than 2 GB.
  const onWait = (): void => progress.step(`${product.name}: waiting for another build to end`);
  const onTurn = (): void => progress.step(`${product.name}: building`);
  using _lock = await acquire(await cacheFile("build.lock"), { ...(signal && { signal }), onWait, onTurn });

  const { programs, tags = [], variables = {} } = product.build;
  const ldflags = ["-s", "-w", ...Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`)].join(" ");
  const flags = ["-trimpath", "-buildvcs=false", "-tags", tags.join(","), "-ldflags", ldflags];
  const packages = programs.map((program) => program.package);
  let fetched = 0;
  report("looking for what has to be compiled");
  const stale = await run("go", ["list", ...flags, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", ...packages], {
    ...options,
    onLine: (line) => line.startsWith("go: downloading ") && report(`fetched ${++fetched} modules`),
  });
  const total = stale.split("\n").filter(Boolean).length;
  let compiled = 0;
  for (const program of programs) {
    await run("go", ["build", ...flags, "-v", "-o", join(bin, program.file), program.package], {
      ...options,
      // With -v, go names each package that it compiles; the last one is linked, which takes long and says nothing.
      onLine: (line) => !/\s/.test(line) && report(++compiled < total ? `compiled ${compiled} of ${total} packages` : "linking"),
    });
    for (const link of program.links ?? []) await symlink(program.file, join(bin, link));
  }
  await rm(scratch, { recursive: true });
}

/** `go version` in the module's directory fails when Go is older than the go.mod asks for and may not fetch a newer one (GOTOOLCHAIN). */
async function checkGo(options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  try {
    await run("go", ["version"], options);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") throw new Unavailable("there is no Go on PATH");
    if (error instanceof CommandError) throw new Unavailable(`Go on PATH cannot build ${join(options.cwd, "go.mod")}: ${error.message}`);
    throw error;
  }
}
