import { UserError } from "../errors.ts";
import type { Source } from "../source/source.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import type { Routes } from "./server.ts";

/** What a running server tells and does for an operator. @param source the one that is in force */
export function controlRoutes(source: () => Source): Routes {
  return {
    "GET /explain": (parameters) => {
      const current = source();
      if (!current.explain) throw new UserError("the records of this server do not depend on pods: there is nothing to explain");
      const name = readName(parameters.get("name") ?? "");
      const explanation = current.explain(name);
      if (!explanation) throw new UserError(`${parameters.get("name")} is no name that pods or Ingresses give to this server`);
      return explanation;
    },
  };
}

function readName(text: string): Name {
  try {
    return foldName(parseName(text));
  } catch (error) {
    throw new UserError((error as Error).message);
  }
}
