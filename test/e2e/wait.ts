import { setTimeout as sleep } from "node:timers/promises";

/**
 * Tries until `probe` gives something other than undefined; what it throws counts as undefined.
 * @throws Error with `what` and the last fault when `seconds` have passed
 */
export async function eventually<T>(what: string, seconds: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    let fault: unknown = "it is not so";
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      fault = error;
    }
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still waiting: ${what}: ${String(fault)}`);
    await sleep(500);
  }
}
