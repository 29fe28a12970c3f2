/** Checks and diffs of the provider's own configuration, which decide whether it is updated or replaced. */

import { hasUnknown } from "../../shared/properties.ts";
import { connect } from "../client/kubeconfig.ts";
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

export async function diffConfig(olds: JsonObject, news: JsonObject): Promise<ConfigDiff> {
  const old = plainObject(olds);
  const next = plainObject(news);
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((key) => key !== "version");
  const changed = keys.filter((key) => !equal(old[key], next[key]));
  const identifier = [old["clusterIdentifier"], next["clusterIdentifier"]];
  if (identifier.some((value) => value !== undefined)) {
    return { changed, replaces: identifier[0] === identifier[1] || identifier[0] === undefined ? [] : ["clusterIdentifier"] };
  }
  const selecting = changed.filter((key) => ["kubeconfig", "context", "cluster"].includes(key));
  if (selecting.length === 0 || hasUnknown(next)) return { changed, replaces: [] };
  const [before, after] = await Promise.all([serverOf(old), serverOf(next)]);
  const moved = before !== undefined && after !== undefined && before !== after;
  return { changed, replaces: moved ? selecting : [] };
}

async function serverOf(config: JsonObject): Promise<string | undefined> {
  try {
    return (await connect(parseConfig(settings(config), process.env).config)).server;
  } catch {
    // A kubeconfig that cannot be read says nothing about the cluster; using it will tell the user why.
    return undefined;
  }
}

function settings(properties: JsonObject): Record<string, string> {
  const known = Object.entries(plainObject(properties)).filter(([, value]) => !hasUnknown(value));
  return Object.fromEntries(known.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]));
}
