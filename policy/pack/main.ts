import { PolicyPack, UnknownValueError, type ResourceValidationPolicy, type StackValidationPolicy } from "@pulumi/policy";
import type { KubernetesObject } from "../kubernetes.ts";
import { resourcePolicies, stackPolicies } from "../policies.ts";
import type { ResourcePolicy, StackPolicy } from "../policy.ts";

const isKubernetes = (type: string): boolean => type.startsWith("kubernetes:");

function resourceValidation({ violations, ...policy }: ResourcePolicy): ResourceValidationPolicy {
  return {
    ...policy,
    validateResource({ type, props }, report) {
      if (!isKubernetes(type)) return;
      try {
        for (const message of violations(props)) report(message);
      } catch (error) {
        // In a preview a value may not be known yet; the update looks again.
        if (!(error instanceof UnknownValueError)) throw error;
      }
    },
  };
}

function stackValidation({ stackViolations, ...policy }: StackPolicy): StackValidationPolicy {
  return {
    ...policy,
    validateStack({ resources }, report) {
      const urns = new Map(resources.filter(({ type }) => isKubernetes(type)).map(({ props, urn }) => [props as KubernetesObject, urn]));
      for (const { resource, message } of stackViolations([...urns.keys()])) report(message, urns.get(resource));
    },
  };
}

// Making a pack serves it.
new PolicyPack("peak", { policies: [...resourcePolicies.map(resourceValidation), ...stackPolicies.map(stackValidation)] });
