/** The part of an exported stack (`pulumi stack export`) that is read here. */
export interface ExportedStack {
  version: number;
  deployment: { resources?: { type: string }[] | null; pending_operations?: unknown[] | null } & Record<string, unknown>;
}

/** How many resources there are, the stack itself and the providers apart: the engine's events are about those. */
export function resourceCount(stack: ExportedStack): number {
  return (stack.deployment.resources ?? []).filter(({ type }) => !isInternal(type)).length;
}

/** The stack itself and the providers: there is nothing to do for them. */
export function isInternal(type: string): boolean {
  return type === "pulumi:pulumi:Stack" || type.startsWith("pulumi:providers:");
}

/** How many operations an interrupted run left without a known end. */
export function pendingCount(stack: ExportedStack): number {
  return stack.deployment.pending_operations?.length ?? 0;
}

/**
 * The same stack without its pending operations. That is safe in this project because every command converges whatever it finds, and Kubernetes
 * objects are applied by name: to do an operation again is to finish it.
 */
export function withoutPending(stack: ExportedStack): ExportedStack {
  const { pending_operations: _, ...deployment } = stack.deployment;
  return { ...stack, deployment };
}
