/** The part of an exported stack (`pulumi stack export`) that is read here. */
export interface ExportedStack {
  version: number;
  deployment: {
    resources?: { urn: string; type: string; id?: string; custom?: boolean; parent?: string; protect?: boolean; retainOnDelete?: boolean }[] | null;
    pending_operations?: unknown[] | null;
  } & Record<string, unknown>;
}

/** A resource of the stack, known from its state or from a preview. */
export interface KnownResource {
  urn: string;
  /** Empty for the stack itself. */
  parent: string;
  /** Something that a provider made, in contrast to a component. */
  custom: boolean;
}

/** The resources that there are, the stack itself and the providers apart: the engine's events are about those. */
export function knownResources({ deployment }: ExportedStack): KnownResource[] {
  const ours = (deployment.resources ?? []).filter(({ type }) => !isInternal(type));
  return ours.map(({ urn, parent = "", custom = false }) => ({ urn, parent, custom }));
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
 * The same stack without its pending operations. That is safe in this project because every command converges whatever it finds: to do an
 * operation again is to finish it. What was being changed or removed is neither as the state has it nor as it was to become, so it is made a
 * difference to whatever the program wants next. Kubernetes objects are another matter (recovery.ts).
 */
export function withoutPending(stack: ExportedStack): ExportedStack {
  const { pending_operations, ...deployment } = stack.deployment;
  const pending = (pending_operations ?? []) as { type: string; resource: { urn: string; type: string } }[];
  const halfWay = new Set(pending
    .filter(({ type, resource }) => ["updating", "deleting"].includes(type) && resource.type.startsWith("command:"))
    .map(({ resource }) => resource.urn));
  const resources = deployment.resources?.map((resource: CommandResource) => (halfWay.has(resource.urn) ? neverRun(resource) : resource));
  return { ...stack, deployment: { ...deployment, ...(resources && { resources }) } };
}

type CommandResource = NonNullable<ExportedStack["deployment"]["resources"]>[number] & { inputs?: object; outputs?: object };

/** A command that is another one than the program's, whichever that is. How to undo it stays. */
function neverRun({ inputs, outputs, ...resource }: CommandResource): CommandResource {
  return { ...resource, ...(inputs && { inputs: { ...inputs, create: "" } }), ...(outputs && { outputs: { ...outputs, create: "" } }) };
}

/**
 * The same stack, exported with its secrets in plain, for an import that encrypts them with another passphrase: the engine goes by what the
 * state says that it was encrypted with.
 * @param salt of the passphrase; where there is none, the stack is encrypted by other means, which stay
 */
export function encryptedWith(salt: string | undefined, stack: ExportedStack): ExportedStack {
  if (salt === undefined) return stack;
  return { ...stack, deployment: { ...stack.deployment, secrets_providers: { type: "passphrase", state: { salt } } } };
}

/**
 * The same stack with nothing in it protected or retained. Protection is against what nobody asked for, such as a name that was changed by mistake; who
 * destroys a stack asks for it.
 * @param urns of what is asked for. Default: the whole stack
 */
export function withoutProtection(stack: ExportedStack, urns?: readonly string[]): ExportedStack {
  const resources = stack.deployment.resources?.map((resource) => {
    if (urns !== undefined && !urns.includes(resource.urn)) return resource;
    const { protect: _, retainOnDelete: __, ...rest } = resource;
    return rest;
  });
  return { ...stack, deployment: { ...stack.deployment, ...(resources && { resources }) } };
}
