/** What is said of an object that the provider waits for. */

import type { KubeObject } from "../objects.ts";

export type Status =
  | { readonly state: "ready" }
  /** Not ready yet: what it waits for, and what stands in the way (a pod's own reason, for example). */
  | { readonly state: "waiting"; readonly message: string; readonly reasons: readonly string[] }
  /** Will never be ready. */
  | { readonly state: "failed"; readonly message: string; readonly reasons: readonly string[] };

export const ready: Status = { state: "ready" };
export const waiting = (message: string, reasons: readonly string[] = []): Status => ({ state: "waiting", message, reasons });
export const failed = (message: string, reasons: readonly string[] = []): Status => ({ state: "failed", message, reasons });

/** Other objects that the status depends on, by kind; all empty until they have been read. */
export interface Related {
  readonly pods: readonly KubeObject[];
  readonly endpointSlices: readonly KubeObject[];
  readonly services: readonly KubeObject[];
  readonly storageClasses: readonly KubeObject[];
}

export type RelatedKind = keyof Related;

/** How to wait for objects of one kind. */
export interface Awaiter {
  /** What to read along with the object: the kind, and which of its objects (in the object's namespace). */
  related(object: KubeObject): readonly { readonly kind: RelatedKind; readonly query: Readonly<Record<string, string>> }[];
  status(object: KubeObject, related: Related): Status;
}

/** Seconds to wait for readiness unless the program says otherwise. */
export const readyTimeoutSeconds = 600;
