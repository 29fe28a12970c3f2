import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { acquire } from "../../toolchain/lock.ts";
import { layout, type Layout } from "./layout.ts";
import { progress } from "./progress.ts";

const clone = resolve(import.meta.dirname, "../..");

/**
 * Makes the local stack of this host this clone's. Throws if it is another clone's; one whose directory is gone has lost it.
 * There is one local stack on a host, because its link and its routes are there once.
 */
export async function claim(names: Layout): Promise<void> {
  const file = join(names.state, "owner");
  await mkdir(names.state, { recursive: true });
  // Private keys are below.
  await chmod(names.state, 0o700);
  try {
    await writeFile(file, clone, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    await refuseStranger(names);
    await writeFile(file, clone);
  }
}

/** Throws if the local stack of this host is another clone's. */
export async function refuseStranger(names: Layout): Promise<void> {
  const owner = await stranger(names);
  if (owner !== undefined) throw new Error(`this host runs the local stack of ${owner}: run "${destroy(names)}" there first`);
}

/** How whoever owns a local stack of that layout takes it down. */
const destroy = ({ prefix }: Layout) => (prefix === layout({}).prefix ? "" : `PEAK_LOCAL_NAME=${prefix} `) + "./peak destroy";

/** The directory of the other clone whose local stack this host has; undefined if there is none, or none any more. */
export async function stranger(names: Layout): Promise<string | undefined> {
  const owner = await readFile(join(names.state, "owner"), "utf8").catch(() => "");
  return owner === "" || owner === clone || !existsSync(owner) ? undefined : owner;
}

/** Waits until no other process works on the unit, e.g. one that a killed update has left behind. */
export async function lockUnit(names: Layout, unit: string): Promise<Disposable> {
  const file = join(names.state, `${unit}.lock`);
  for (;;) {
    await mkdir(names.state, { recursive: true, mode: 0o700 });
    const lock = await acquire(file, {
      onWait: () => progress(`waiting for another process that works on ${unit}`),
      onTurn: () => progress(`working on ${unit}`),
    });
    // A sweep may have removed the file that we waited for.
    if (existsSync(file)) return lock;
    lock[Symbol.dispose]();
  }
}
