import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The file that a program's name stands for on PATH; undefined if there is none. A directory that PATH leaves empty is not searched. */
export function which(program: string, path: string = process.env["PATH"] ?? ""): string | undefined {
  return path.split(delimiter).filter(Boolean).map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
