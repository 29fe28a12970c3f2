import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts a text in place of what a file has, whole or not at all, whatever happens to process and machine. @param parts of the text, in order */
export async function replaceFile(file: string, parts: Iterable<string>, mode = 0o644): Promise<void> {
  const fresh = `${file}.new`;
  const handle = await open(fresh, "w", mode);
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
