import { existsSync, readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { loadInventory, withNodeCount, type Inventory } from "../hardware/inventory.ts";
import { parseSettings, type Settings } from "./config.ts";

/** What a stack is told, and the machines that it has. */
export interface Input {
  settings: Settings;
  inventory: Inventory;
}

/**
 * Reads the stack's configuration and its inventory, and checks them together.
 * @throws pulumi.RunError with every fault, each with its place: the engine shows the message alone, and nothing has been changed
 */
export function readInput(): Input {
  const file = `Pulumi.${pulumi.getStack()}.yaml`;
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const input = checkInput(pulumi.runtime.allConfig(), { file, text });
  if (Array.isArray(input)) throw new pulumi.RunError(`what the stack is told has faults:\n${input.map((fault) => `  ${fault}`).join("\n")}`);
  return input;
}

/**
 * Checks a stack's configuration, and the inventory that it names.
 * @param config by keys with their namespaces
 * @param stackFile where most of it comes from, for the places of faults
 * @returns the input, or every fault as a line with place and remedy
 */
export function checkInput(config: Readonly<Record<string, string>>, stackFile: { file: string; text: string }): Input | string[] {
  const lines = keyLines(stackFile.text);
  const fault = (key: string, message: string) => {
    const line = lines.get(key) ?? lines.get(key.replace(/^peak:/, ""));
    return `${line === undefined ? "" : `${stackFile.file}:${line}: `}${key} ${message}`;
  };
  const parsed = parseSettings(config);
  const faults = "faults" in parsed ? parsed.faults.map(({ key, message }) => fault(key, message)) : [];
  const path = config["peak:inventory"];
  let inventory: Inventory | undefined;
  try {
    if (path) inventory = loadInventory(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    faults.push(code === "ENOENT" ? fault("peak:inventory", `names ${path}, which is not there`) : message);
  }
  if ("faults" in parsed || inventory === undefined) return faults;

  const { settings } = parsed;
  const { hosts } = inventory;
  if (settings.kubeContext !== undefined && hosts.length > 0) {
    faults.push(fault("peak:kubeContext", `is set, and ${path} has hosts: a stack either uses the cluster of ${settings.kubeContext} or makes one on hosts. ` +
      "Empty this key, or name an inventory without hosts (hardware/inventory.minikube.yaml)"));
  }
  if (settings.kubeContext === undefined && hosts.length === 0) {
    faults.push(fault("peak:kubeContext", `is empty, and ${path} has no hosts: there is nothing to have a cluster on. Set this key, or name an inventory with hosts`));
  }
  if (settings.kubeContext === undefined && settings.imageRegistry !== undefined) {
    faults.push(fault("peak:imageRegistry", "is for a cluster that exists (peak:kubeContext): one that the stack makes has a registry of its own"));
  }
  if (faults.length > 0) return faults;
  try {
    return { settings, inventory: withNodeCount(inventory, settings.nodes) };
  } catch (error) {
    return [fault("peak:nodes", (error as Error).message)];
  }
}

/** The line of each key in a stack file; empty where that is no YAML, which the engine complains of. */
function keyLines(text: string): Map<string, number> {
  const lineCounter = new LineCounter();
  const config = parseDocument(text, { lineCounter }).get("config");
  const keys = isMap(config) ? config.items.map(({ key }) => key) : [];
  return new Map(keys.flatMap((key) => (isScalar(key) && key.range ? [[String(key.value), lineCounter.linePos(key.range[0]).line]] : [])));
}
