/** Volumes: a claim is ready when bound, or when its class binds it only to a pod that uses it. */

import { nameOf, textAt } from "../objects.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const persistentVolumeClaim: Awaiter = {
  related: () => [{ kind: "storageClasses", query: {} }],
  status(object, { storageClasses }) {
    const phase = textAt(object, "status", "phase") ?? "Pending";
    if (phase === "Bound") return ready;
    const name = textAt(object, "spec", "storageClassName");
    const storageClass = storageClasses.find((entry) => nameOf(entry) === name);
    if (phase === "Pending" && textAt(storageClass, "volumeBindingMode") === "WaitForFirstConsumer") return ready;
    return waiting(`the claim is ${phase}`, name === undefined ? ["the claim has no storage class, and no volume fits it yet"] : []);
  },
};

export const persistentVolume: Awaiter = {
  related: () => [],
  status(object) {
    const phase = textAt(object, "status", "phase") ?? "Pending";
    return phase === "Available" || phase === "Bound" ? ready : waiting(`the volume is ${phase}`);
  },
};
