import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { type StateResource, stubStack, type StubStack } from "./stub-stack.ts";

// URNs are a contract: who has a stack loses what a changed one stands for. A URN that has to change gets an alias in the program, and a line
// in renamed.yaml. PEAK_WRITE_GOLDEN=1 writes the lists anew.

// As if the virtual hosts ran: where they do not, each run of the program asks for a start and a disk of its own.
vi.mock("../../programs/virtual/state.ts", async (original) => ({
  ...(await original<object>()),
  expectedStart: (unit: string) => `start-of-${unit}`,
  expectedMachineId: (unit: string) => `machine-id-of-${unit}`,
}));

const golden = (stack: string) => join(import.meta.dirname, "golden", `${stack}.txt`);
const renamed = (parse(await readFile(join(import.meta.dirname, "renamed.yaml"), "utf8")) as Record<string, string> | null) ?? {};

/** Without what differs from stack to stack: `peak:node:Machines$peak:node:VirtualPi::pi1`. */
const shortened = (urn: string) => urn.split("::").slice(2).join("::");

/** A line of the list: types and name, and how the resource is kept from deletion. */
function lineOf({ urn, protect = false, retainOnDelete = false }: StateResource): string {
  return [shortened(urn), ...(protect ? ["protect"] : []), ...(retainOnDelete ? ["retainOnDelete"] : [])].join(" ");
}

describe.each(["local", "pi-testbed", "minikube"])("the stack %s", (name) => {
  let stack: StubStack;
  beforeAll(async () => {
    stack = await stubStack(name);
    await stack.up();
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test("has the resources that the golden list names", async () => {
    const lines = (await stack.resources()).map(lineOf).sort();
    if (process.env["PEAK_WRITE_GOLDEN"]) await writeFile(golden(name), `${lines.join("\n")}\n`);
    expect(lines).toEqual((await readFile(golden(name), "utf8")).trim().split("\n"));
  });

  /** What a preview would change; that it looks at every resource is made sure of. */
  const changes = async () => {
    const steps = await stack.preview();
    expect(steps.length).toBeGreaterThanOrEqual((await stack.resources()).length);
    return steps.filter(({ op }) => op !== "same");
  };

  test("previews as unchanged", async () => expect(await changes()).toEqual([]));

  test("previews as unchanged with the state of a program that had the former URNs", async () => {
    const state = (await stack.resources()).map(({ urn }) => shortened(urn));
    const former = Object.entries(renamed).filter(([now]) => state.includes(now));
    // A reference to a provider has its id behind the URN.
    await stack.editState((text) => former.reduce((text, [now, before]) =>
      text.replaceAll(`::${now}"`, `::${before}"`).replaceAll(`::${now}::`, `::${before}::`), text));
    expect(await changes()).toEqual([]);
  });
});
