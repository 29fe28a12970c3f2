import { execFileSync } from "node:child_process";
import koffi from "koffi";

const CLONE_NEWNET = 0x40000000;

/**
 * Puts this process into a network namespace of its own, in which each address is one of the loopback's: servers can all listen on port 53
 * there, as resolvers want it. Sockets opened and programs started from now on are in it. It goes with the last of them.
 * @throws Error where the process may not (it takes root)
 */
export function enterNamespace(addresses: readonly string[]): void {
  const unshare = koffi.load("libc.so.6").func("int unshare(int flags)") as (flags: number) => number;
  if (unshare(CLONE_NEWNET) !== 0) throw new Error("no network namespace can be made: these tests need root");
  const ip = (...args: string[]): void => void execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
  ip("link", "set", "lo", "up");
  for (const address of addresses) ip("address", "add", `${address}/128`, "dev", "lo", "nodad");
}
