/** Checks and diffs of the provider's own configuration, which decide whether it is updated or replaced. */

import { isDeepStrictEqual } from "node:util";
import { hasUnknown } from "../../shared/properties.ts";
import { clusterEntry } from "../client/kubeconfig.ts";
import { parseConfig, type ConfigFault } from "../config.ts";
import { equal, plainObject, type JsonObject } from "../values.ts";

/** What is wrong with the configuration. Values that are not known yet pass. */
export function checkConfig(news: JsonObject): readonly ConfigFault[] {
  return parseConfig(settings(news), process.env).faults;
}

export interface ConfigDiff {
  readonly changed: readonly string[];
  /** Keys whose change means another cluster, so that the provider's resources have to be made anew. */
  readonly replaces: readonly string[];
}

/** As the official plugin decides it: by the identifier if it has one, else by the kubeconfig's entry of the active cluster. */
export async function diffConfig(olds: JsonObject, news: JsonObject): Promise<ConfigDiff> {
  const old = plainObject(olds);
  const next = plainObject(news);
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((key) => key !== "version");
  const changed = keys.filter((key) => !equal(old[key], next[key]));
  const [before, after] = [old["clusterIdentifier"], next["clusterIdentifier"]];
  if (after !== undefined && equal(before, after)) return { changed, replaces: [] };

  const renamed = before !== undefined && after !== undefined ? ["clusterIdentifier"] : [];
  const unknown = selectingKeys.find((key) => hasUnknown(next[key]));
  if (unknown !== undefined) return { changed: [unknown], replaces: [...renamed, unknown] };
  const moved = differ(entryOf(old), entryOf(next)) ? selectingKeys.filter((key) => changed.includes(key)) : [];
  return { changed, replaces: [...renamed, ...moved] };
}

/** What selects the active cluster. */
const selectingKeys = ["kubeconfig", "context", "cluster"];

function differ(before: object | undefined, after: object | undefined): boolean {
  return before !== undefined && after !== undefined && !isDeepStrictEqual(before, after);
}

/** The active cluster's entry in the kubeconfig of the settings; undefined where that cannot be told, as with the ambient kubeconfig. */
function entryOf(properties: JsonObject): object | undefined {
  const { kubeconfig, context, cluster } = parseConfig(settings(properties), process.env).config;
  return kubeconfig === undefined ? undefined : clusterEntry({ kubeconfig, context, cluster });
}

function settings(properties: JsonObject): Record<string, string> {
  const known = Object.entries(plainObject(properties)).filter(([, value]) => !hasUnknown(value));
  return Object.fromEntries(known.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}
