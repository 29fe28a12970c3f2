import { duration } from "../../toolchain/progress.ts";
import type { Changes, Fault, OperationProgress, Step } from "./progress.ts";

const past: Record<string, string> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
  import: "imported",
  refresh: "refreshed",
  same: "unchanged",
};

/** `3 created, 40 unchanged`, or `3 to create, 40 unchanged` while it is only planned; "nothing" if there is nothing. */
export function changesText(changes: Changes, tense: "past" | "planned" = "past"): string {
  const parts = Object.entries(changes).map(
    ([op, count]) => `${count} ${tense === "planned" && op !== "same" ? `to ${op}` : (past[op] ?? op)}`,
  );
  return parts.join(", ") || "nothing";
}

/** The lasting line of a finished step. */
export function stepText({ label, changes, duration: milliseconds }: Step): string {
  return `${label}: ${changesText(changes)}  (${duration(milliseconds)})`;
}

/** The line of the moment: what, how far, how long, and what is being done for it. */
export function nowText(what: string, progress: OperationProgress, started: number, now: number): string {
  const active = progress.active(now);
  const shown = active.slice(0, 3).map(({ label, detail }) => (detail === "" ? label : `${label}: ${detail}`));
  const more = active.length > shown.length ? [`${active.length - shown.length} more`] : [];
  const far = progress.total > 0 ? `${what} ${progress.done}/${progress.total}` : what;
  return [far, duration(now - started), [...new Set([...shown, ...more])].join(" · ")].filter(Boolean).join("  ");
}

/** Faults as a block of text: the resource, and its message indented below it. */
export function faultsText(faults: readonly Fault[]): string {
  return faults
    .map(({ resource, message }) => (resource === undefined ? message : `${resource}:\n${message.replace(/^/gm, "  ")}`))
    .join("\n");
}
