/** What a URN says of a resource: `urn:pulumi:STACK::PROJECT::PARENT$kubernetes:apps/v1:Deployment::NAME`. */

export interface ResourceType {
  /** As in a manifest: `apps/v1`, and `v1` for the core group. */
  readonly apiVersion: string;
  /** The kind in the cluster, so `Deployment` for `DeploymentPatch`. */
  readonly kind: string;
  /** Whether the resource patches an object that somebody else made. */
  readonly patch: boolean;
  /** The type token, for messages. */
  readonly token: string;
}

/** The URN's last part, the name that the program gave the resource. */
export function resourceName(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

/** Throws for a type token that is not of the form `kubernetes:GROUP/VERSION:Kind`. */
export function resourceType(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").pop() ?? "";
  const [, module = "", name = ""] = token.split(":");
  if (!/^[^/]+\/[^/]+$/.test(module) || name === "") {
    throw new Error(`${token} is not a Kubernetes resource type (kubernetes:GROUP/VERSION:Kind)`);
  }
  const patch = name.length > "Patch".length && name.endsWith("Patch");
  return {
    apiVersion: module.replace(/^core\//, ""),
    kind: patch ? name.slice(0, -"Patch".length) : name,
    patch,
    token,
  };
}
