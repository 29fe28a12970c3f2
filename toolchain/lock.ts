import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a held lock is tried again, in milliseconds. */
const RETRY = 100;

const SQLITE_BUSY = 5;

export interface WaitOptions {
  /** Ends the wait; `acquire` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called once if the lock is not free at once. */
  onWait?: () => void;
  /** Called when the wait is over: what `onWait` told is no longer so. */
  onTurn?: () => void;
}

/**
 * Waits for the lock that `file` stands for and holds it until disposed. Between processes and within one.
 *
 * Node has no file locks of its own, SQLite has: an exclusive transaction that writes nothing is a kernel lock on an empty file. The kernel
 * frees it when its holder dies, however it dies, so there is no stale lock, no process id to guess about and no lease to renew.
 */
export async function acquire(file: string, { signal, onWait, onTurn }: WaitOptions = {}): Promise<Disposable> {
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    const lock = tryAcquire(file);
    if (lock) {
      if (attempt > 0) onTurn?.();
      return lock;
    }
    if (attempt === 0) onWait?.();
    await sleep(RETRY, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
}

/** Takes the lock if it is free; undefined if somebody holds it. */
export function tryAcquire(file: string): Disposable | undefined {
  const db = new DatabaseSync(file);
  try {
    db.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return db;
}
