import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { parseQuantity } from "./quantity.ts";

export interface VolumeArgs {
  namespace: pulumi.Input<string>;
  /** The host that keeps it; without one, the cluster's default StorageClass does. */
  host: Host | undefined;
  /**
   * As Kubernetes writes quantities, e.g. `64Mi`. May be raised: on a host, pods then get another claim on the same data; elsewhere the
   * StorageClass must allow it. May not be lowered.
   */
  size: string;
}

const accessModes = ["ReadWriteOnce"];

/**
 * Storage that outlives the pods that use it: a directory of a host, or what the cluster provides by itself. What holds the data is protected
 * until the stack is destroyed.
 */
export class Volume extends pulumi.ComponentResource {
  /** Name of the PersistentVolumeClaim; known once it leads to the storage. */
  readonly claim: pulumi.Output<string>;

  constructor(name: string, { namespace, host, size }: VolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:Volume", name, {}, opts);
    const resources = { requests: { storage: size } };
    const notSmaller = { beforeUpdate: [new pulumi.ResourceHook(`${name}-size`, refuseSmaller(name), { onDryRun: true })] };
    if (host === undefined) {
      const claim = new k8s.core.v1.PersistentVolumeClaim(name, { metadata: { namespace }, spec: { accessModes, resources } },
        { parent: this, protect: true, hooks: notSmaller });
      this.claim = claim.metadata.name;
    } else {
      const volume = this.#onHost(name, host, size, notSmaller);
      // The server takes no other size for a claim that it has not provisioned: a further claim takes over, and then this one goes.
      const claim = new k8s.core.v1.PersistentVolumeClaim(name, {
        metadata: { namespace, annotations: { "pulumi.com/skipAwait": "true" } }, // a further one is bound when the volume is told of it
        spec: { accessModes, resources, storageClassName: "", volumeName: volume.metadata.name },
      }, { parent: this, replaceOnChanges: ["spec.resources"] });
      // A volume that is kept waits for its first claim for ever, unless it is told of the one that came in its place. By force: the
      // controller that bound the first holds these fields, and never gives them up.
      const binding = new k8s.core.v1.PersistentVolumePatch(name, {
        metadata: { name: volume.metadata.name, annotations: { "pulumi.com/patchForce": "true" } },
        spec: { claimRef: { namespace, name: claim.metadata.name, uid: claim.metadata.uid } },
      }, { parent: this });
      this.claim = pulumi.all([claim.metadata.name, binding.id]).apply(([claim]) => claim);
    }
    this.registerOutputs({ claim: this.claim });
  }

  #onHost(name: string, host: Host, size: string, hooks: pulumi.ResourceHookBinding): k8s.core.v1.PersistentVolume {
    const path = `/var/lib/peak-volumes/${name}`;
    const setup = new HostSetup(`${name}-directory`, { host, directories: [path] }, { parent: this, protect: true });
    return new k8s.core.v1.PersistentVolume(name, {
      metadata: { annotations: { "pulumi.com/skipAwait": "true" } }, // released by a claim that is gone, it is ready for the next
      spec: {
        capacity: { storage: size },
        accessModes,
        persistentVolumeReclaimPolicy: "Retain",
        local: { path },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [host.name] }] }] },
        },
      },
    }, { parent: this, dependsOn: setup, protect: true, hooks });
  }
}

/** What a volume or a claim says of its size. */
interface Sized {
  spec?: { capacity?: { storage?: string }; resources?: { requests?: { storage?: string } } };
}

/** Refuses, before anything is done, an update to a smaller size: what has been written may be more. */
export function refuseSmaller(name: string): pulumi.ResourceHookFunction {
  const sizeOf = (inputs: unknown) => {
    const { spec } = inputs as Sized;
    return spec?.capacity?.storage ?? spec?.resources?.requests?.storage ?? "0";
  };
  return ({ oldInputs, newInputs }) => {
    const [before, now] = [sizeOf(oldInputs), sizeOf(newInputs)];
    if (parseQuantity(now) < parseQuantity(before)) {
      throw new Error(`the volume ${name} has ${before} and cannot shrink to ${now}: give it ${before} or more`);
    }
  };
}
