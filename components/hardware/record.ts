import * as pulumi from "@pulumi/pulumi";

/**
 * A fact of the hardware, kept in the stack's state: a preview shows what is changed about it, property by property. There is nothing to be
 * done for it; hands do that.
 */
export function record(name: string, facts: pulumi.Input<Record<string, unknown>>, parent: pulumi.Resource): pulumi.Resource {
  return new pulumi.Stash(name, { input: facts }, { parent });
}
