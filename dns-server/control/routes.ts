import { z } from "zod";
import type { Refusals } from "../limit/refusals.ts";
import { FailureError, UserError } from "../runtime/errors.ts";
import { prefix } from "../settings/values.ts";
import type { Source } from "../source/source.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import type { ControlRoutes } from "./server.ts";

const refuse = z.object({
  prefix,
  action: z.enum(["refuse", "drop"]),
  /** How long; without it for good. */
  seconds: z.int().min(1).max(1_000_000_000).optional(),
});

/** What a running server tells and does for an operator. @param source the one that is in force */
export function controlRoutes(source: () => Source, refusals: Refusals): ControlRoutes {
  return {
    "GET /explain": (parameters) => {
      const { pods } = source();
      if (!pods) throw new UserError("the records of this server do not depend on pods: there is nothing to explain");
      const name = nameOf(parameters.get("name") ?? "");
      const explanation = pods.explain(name);
      if (!explanation) throw new UserError(`${parameters.get("name")} is no name that pods or Ingresses give to this server`);
      return explanation;
    },
    "POST /transfer": async (parameters) => {
      const { primaries } = source();
      if (!primaries) throw new UserError("this server fetches no zones: only the role secondary does");
      const name = nameOf(parameters.get("zone") ?? "");
      const fetched = primaries.transfer(name);
      if (!fetched) throw new UserError(`${parameters.get("zone")} is no zone that this server fetches`);
      return fetched.catch((error: unknown) => {
        throw new FailureError(`no primary gave the zone: ${(error as Error).message}`);
      });
    },
    "GET /refusals": () => refusals.list(),
    "POST /refusals": (_, body) => {
      const { prefix: refused, action, seconds } = parse(refuse, body);
      return refusals.add(refused, action, seconds === undefined ? undefined : new Date(Date.now() + 1000 * seconds));
    },
    "DELETE /refusals": (parameters) => refusals.remove(parse(prefix, parameters.get("prefix"))),
  };
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error) throw new UserError(error.issues.map(({ message }) => message).join("; "));
  return data as T;
}

function nameOf(text: string): Name {
  try {
    return foldName(parseName(text));
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}
