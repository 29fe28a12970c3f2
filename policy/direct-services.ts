import { podTemplateOf, type KubernetesObject, type PodTemplate } from "./kubernetes.ts";
import type { ResourcePolicy, StackPolicy } from "./policy.ts";

const PROXIED_TYPES: ReadonlySet<string | undefined> = new Set(["LoadBalancer", "NodePort"]);
const PUBLISHED = "dns.peak/domain";

interface ServiceSpec {
  readonly type?: string;
  readonly selector?: Readonly<Record<string, string>>;
}

const description = "Pods that DNS publishes are reached directly: no Service of type LoadBalancer or NodePort stands in front of them.";

/** What one Service tells by itself. */
export const directServices: ResourcePolicy = {
  name: "direct-services",
  description,
  enforcementLevel: "mandatory",
  violations(resource) {
    const service = proxiedService(resource);
    return service?.selector && PUBLISHED in service.selector ? [message(service.type, `selects pods by ${PUBLISHED}`)] : [];
  },
};

/** What only shows when a Service is seen together with the workloads that it selects. */
export const directWorkloads: StackPolicy = {
  name: "direct-workloads",
  description,
  enforcementLevel: "mandatory",
  stackViolations(resources) {
    const published = resources.flatMap((resource) => {
      const template = podTemplateOf(resource);
      return template && isPublished(template) ? [{ resource, labels: template.metadata?.labels ?? {} }] : [];
    });
    return resources.flatMap((resource) => {
      const service = proxiedService(resource);
      const hit = published.find(
        (workload) => workload.resource.metadata?.namespace === resource.metadata?.namespace && selects(service?.selector, workload.labels),
      );
      if (!service || !hit) return [];
      const { kind, metadata } = hit.resource;
      return [{ resource, message: message(service.type, `selects the pods of ${kind} "${metadata?.name}", which carry ${PUBLISHED}`) }];
    });
  },
};

function proxiedService(resource: KubernetesObject): ServiceSpec | undefined {
  if (resource.kind !== "Service" || resource.apiVersion !== "v1") return undefined;
  const spec = resource.spec as ServiceSpec | undefined;
  return PROXIED_TYPES.has(spec?.type) ? spec : undefined;
}

function isPublished({ metadata }: PodTemplate): boolean {
  return PUBLISHED in (metadata?.labels ?? {}) || PUBLISHED in (metadata?.annotations ?? {});
}

// A Service without a selector selects nothing.
function selects(selector: ServiceSpec["selector"], labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

function message(type: string | undefined, why: string): string {
  return `a Service of type ${type} ${why}; make it a headless or ClusterIP Service`;
}
