import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Where a file is written until it is whole. */
const freshOf = (file: string): string => `${file}.new`;

const MODE = 0o644;

/** The last replacement of each file that is under way: two sources may have the same one while a configuration takes over from another. */
const running = new Map<string, Promise<void>>();

/**
 * Puts a text in place of what a file has, whole or not at all, whatever happens to process and machine. Who replaces the same file does so
 * in turn.
 * @param parts of the text, in order; asked for as they are written
 */
export function replaceFile(file: string, parts: Iterable<string>): Promise<void> {
  const before = running.get(file) ?? Promise.resolve();
  const replaced = before.catch(() => {}).then(() => write(file, parts));
  running.set(file, replaced);
  return replaced.finally(() => {
    if (running.get(file) === replaced) running.delete(file);
  });
}

async function write(file: string, parts: Iterable<string>): Promise<void> {
  const fresh = freshOf(file);
  const handle = await open(fresh, "w", MODE);
  try {
    for (const part of parts) await handle.write(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  const folder = await open(dirname(file), "r");
  await folder.sync().finally(() => folder.close());
}

/** The same for a short text that must be on the disk before anything else is done. @throws the system's error */
export function replaceFileSync(file: string, text: string, mode = MODE): void {
  const fresh = freshOf(file);
  const fd = openSync(fresh, "w", mode);
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, file);
  syncFolder(dirname(file));
}

/** A file that is new in a folder, or has another name, is there after a power cut only when the folder is on the disk, too. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
