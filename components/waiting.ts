import type * as pulumi from "@pulumi/pulumi";

/**
 * Takes out of a component's options what it is to wait for, for the resources in it to wait for instead. When something that a component
 * itself waits for fails, the engine leaves the component out, takes its `registerOutputs` for an error, and ends the whole update at once: what
 * has nothing to do with the failure would not be done either.
 * @returns the options for `super`, and what the resources wait for
 */
export function waiting(opts: pulumi.ComponentResourceOptions = {}): {
  own: pulumi.ComponentResourceOptions;
  dependsOn: pulumi.Input<pulumi.Resource>[];
} {
  const { dependsOn = [], ...own } = opts;
  return { own, dependsOn: (Array.isArray(dependsOn) ? dependsOn : [dependsOn]) as pulumi.Input<pulumi.Resource>[] };
}
