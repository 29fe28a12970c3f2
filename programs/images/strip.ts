import { stripTypeScriptTypes } from "node:module";
import { specifiers } from "./imports.ts";

const relative = /^\.\.?\/.*\.ts$/;

/** The path of a module in an image. */
export function strippedPath(path: string): string {
  return path.replace(/\.ts$/, ".js");
}

/**
 * A module as an image has it: types are blanked, so that Node loads no compiler to do it at each start, and lines stay where they are in the
 * source; modules of ours are loaded by the names that they have there. Pure.
 */
export function stripped(path: string, source: string): string {
  let code = source;
  // As long as before: places stay true.
  for (const { text, end } of specifiers(path, source)) if (relative.test(text)) code = `${code.slice(0, end - "ts'".length)}js${code.slice(end - 1)}`;
  return stripTypeScriptTypes(code);
}
