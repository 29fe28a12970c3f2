import type { Settings } from "../config.ts";
import type { ServiceArgs } from "./service.ts";

/**
 * The micro-services of a stack: by the name of the folder under `services/` that each is made of, how it is run. A new one is a folder
 * there and an entry here: its image, its pods, its name and its line among the outputs follow (docs/extending.md).
 */
export function services({ echoReplicas }: Settings): Record<string, Omit<ServiceArgs, "image" | "zone">> {
  return {
    echo: {
      domain: "echo",
      replicas: echoReplicas,
      // A pod that uses much more CPU time than the others leaves the answer until it does no more. A fifth of a core is no load yet.
      steering: { query: 'clamp_min(rate(process_cpu_seconds_total{namespace="%namespace%", pod=~"%pods%"}[8s]), 0.2)' },
    },
  };
}
