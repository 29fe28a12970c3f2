import { parentPort } from "node:worker_threads";

/** Receives milliseconds, answers when that much CPU time of this thread is used: on a crowded core it takes longer, as real work would. */
parentPort!.on("message", (ms: number) => {
  const start = used();
  while (used() - start < ms * 1000);
  parentPort!.postMessage(undefined);
});

/** CPU time of this thread, in microseconds. */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
