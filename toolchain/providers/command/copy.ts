import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { posix } from "node:path";
import type { SFTPWrapper } from "ssh2";
import type { Operation } from "../shared/provider.ts";
import { isArchive, isAsset, type Value } from "../shared/properties.ts";
import type { Connection } from "./schema.ts";
import { openSftp, withConnection } from "./ssh.ts";

/** What to copy: a file or folder here, or the content of one file. */
export type Source = { readonly path: string } | { readonly text: string };

/** The source that an asset or archive stands for, or what is wrong with it. */
export function parseSource(value: Value): Source | { readonly fault: string } {
  if (isAsset(value)) {
    if (value.path !== undefined) return { path: value.path };
    if (value.text !== undefined) return { text: value.text };
    return { fault: "asset must be a path-based file asset or a text asset" };
  }
  if (isArchive(value)) return value.path === undefined ? { fault: "archive must be a path to a file or directory" } : { path: value.path };
  return { fault: "either asset or archive must be set" };
}

/**
 * Copies a source to a path on a host by SFTP. Missing parent folders are made, existing files overwritten. A folder without `/` at
 * its end goes into the remote folder under its own name; with one, its content does. A file goes into a remote folder, or to
 * exactly the remote path.
 */
export async function copyToRemote(source: Source, remotePath: string, connection: Connection, operation: Operation): Promise<void> {
  await withConnection(connection, operation, async (client) => {
    const abort = (): void => void client.destroy();
    operation.signal.addEventListener("abort", abort);
    try {
      await copy(await openSftp(client), source, remotePath);
    } finally {
      operation.signal.removeEventListener("abort", abort);
    }
  });
}

async function copy(sftp: SFTPWrapper, source: Source, remotePath: string): Promise<void> {
  const remote = await remoteKind(sftp, remotePath);
  if (remote === undefined) await makeFolder(sftp, posix.dirname(remotePath));
  if ("text" in source) {
    if (remote === "folder") throw new Error(`remotePath "${remotePath}" is a folder; a text asset needs the path of a file`);
    await writeText(sftp, remotePath, source.text);
  } else if ((await stat(source.path)).isDirectory()) {
    const target = source.path.endsWith("/") ? remotePath : posix.join(remotePath, basename(source.path));
    await makeFolder(sftp, target);
    await copyFolder(sftp, source.path, target);
  } else {
    await putFile(sftp, source.path, remote === "folder" ? posix.join(remotePath, basename(source.path)) : remotePath);
  }
}

async function copyFolder(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), posix.join(to, entry.name)];
    if (entry.isDirectory()) {
      await makeFolder(sftp, target);
      await copyFolder(sftp, source, target);
    } else {
      await putFile(sftp, source, target);
    }
  }
}

async function makeFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  const kind = await remoteKind(sftp, path);
  if (kind === "folder") return;
  if (kind === "file") throw new Error(`remote path "${path}" exists and is not a folder`);
  const parent = posix.dirname(path);
  if (parent !== path) await makeFolder(sftp, parent);
  await call(`make folder "${path}"`, (done) => sftp.mkdir(path, done));
}

function remoteKind(sftp: SFTPWrapper, path: string): Promise<"folder" | "file" | undefined> {
  // Any failure counts as "not there": what then cannot be made reports the true reason.
  return new Promise((resolve) => sftp.stat(path, (error, stats) => resolve(error ? undefined : stats.isDirectory() ? "folder" : "file")));
}

const putFile = (sftp: SFTPWrapper, from: string, to: string): Promise<void> =>
  call(`copy "${from}" to "${to}"`, (done) => sftp.fastPut(from, to, done));

const writeText = (sftp: SFTPWrapper, to: string, text: string): Promise<void> =>
  call(`write "${to}"`, (done) => sftp.writeFile(to, text, done));

function call(what: string, run: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error ? reject(new Error(`cannot ${what} on the remote host: ${error.message}`)) : resolve()));
  });
}
