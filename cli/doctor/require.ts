import { UsageError } from "../errors.ts";

/** Namespaces, bridges and containers are root's. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new UsageError("the local stack needs root, for its network namespaces and containers: run this with sudo");
}

/** Refuses a host that the local stack cannot live on, with every reason. */
export async function requireHost(): Promise<void> {
  requireRoot();
}
