import { hasLocalState } from "../engine/environment.ts";
import { UsageError } from "../errors.ts";

/** Namespaces, bridges and containers are root's. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new UsageError("the local stack needs root, for its network namespaces and containers: run this with sudo");
}

/** Refuses a host that the local stack cannot be brought up on, with every reason. A stack that is there already is not refused. */
export async function requireHost(): Promise<void> {
  requireRoot();
  if (await hasLocalState()) return;
  const { gatherFacts } = await import("./facts.ts");
  const { examine, findingsText } = await import("./findings.ts");
  const faults = examine(await gatherFacts()).filter(({ level }) => level === "fail");
  if (faults.length > 0)
    throw new UsageError(
      `the local stack cannot live on this host:\n${findingsText(faults)}Nothing was changed; ./peak doctor looks again.`,
    );
}
