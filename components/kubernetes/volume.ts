import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";

export interface VolumeArgs {
  namespace: pulumi.Input<string>;
  /** The host that keeps it; without one, the cluster's default StorageClass does. */
  host: Host | undefined;
  /** As Kubernetes writes quantities, e.g. `64Mi`. */
  size: string;
}

/** Storage that outlives the pods that use it: a directory of a host, or what the cluster provides by itself. */
export class Volume extends pulumi.ComponentResource {
  /** Name of the PersistentVolumeClaim. */
  readonly claim: pulumi.Output<string>;

  constructor(name: string, { namespace, host, size }: VolumeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:Volume", name, {}, opts);
    const accessModes = ["ReadWriteOnce"];
    const volume = host && this.#onHost(name, host, { accessModes, size });
    const claim = new k8s.core.v1.PersistentVolumeClaim(name, {
      metadata: { namespace },
      spec: {
        accessModes,
        resources: { requests: { storage: size } },
        ...(volume && { storageClassName: "", volumeName: volume.metadata.name }),
      },
    }, { parent: this });
    this.claim = claim.metadata.name;
    this.registerOutputs({ claim: this.claim });
  }

  #onHost(name: string, host: Host, { accessModes, size }: { accessModes: string[]; size: string }): k8s.core.v1.PersistentVolume {
    const path = `/var/lib/peak-volumes/${name}`;
    const setup = new HostSetup(`${name}-directory`, { host, directories: [path] }, { parent: this });
    return new k8s.core.v1.PersistentVolume(name, {
      spec: {
        capacity: { storage: size },
        accessModes,
        persistentVolumeReclaimPolicy: "Retain",
        local: { path },
        nodeAffinity: {
          required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [host.name] }] }] },
        },
      },
    }, { parent: this, dependsOn: setup });
  }
}
