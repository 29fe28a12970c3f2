import { createHash } from "node:crypto";
import type { Fault, ObjectRef } from "../model/domain.ts";

/** The same for all servers, so that together they tell a fault once. */
export const faultId = ({ object, reason, message }: Fault): string =>
  createHash("sha256")
    .update([object.kind, object.namespace, object.name, object.uid, reason, message].join("\n"))
    .digest("hex")
    .slice(0, 16);

export const showObject = ({ kind, namespace, name }: ObjectRef): string => `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
