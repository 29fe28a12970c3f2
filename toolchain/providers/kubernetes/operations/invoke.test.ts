import { expect, test } from "vitest";
import { parseConfig } from "../config.ts";
import { Context } from "../context.ts";
import { invoke } from "./invoke.ts";

const quiet = { info: () => undefined, warning: () => undefined, status: () => undefined };
const open = (): Promise<Context> => Context.open(parseConfig({ kubeconfig: "/nowhere" }, {}).config, quiet, new AbortController().signal);
const decode = async (text: string, defaultNamespace?: string): Promise<unknown> =>
  (await invoke(await open(), "kubernetes:yaml:decode", { text, ...(defaultNamespace === undefined ? {} : { defaultNamespace }) }))[
    "result"
  ];

test("YAML is decoded without a cluster, lists unfolded and empty documents left out", async () => {
  const text = "kind: A\n---\n---\n# nothing\n---\nkind: List\nitems: [{kind: B}, {kind: CList, items: [{kind: C}]}]\n";
  expect(await decode(text)).toEqual([{ kind: "A" }, { kind: "B" }, { kind: "C" }]);
});

test("a default namespace goes to what can have one", async () => {
  const text =
    "{apiVersion: v1, kind: Pod}\n---\n{apiVersion: v1, kind: Node}\n---\n{apiVersion: v1, kind: Pod, metadata: {namespace: own}}";
  expect(await decode(text, "web")).toEqual([
    { apiVersion: "v1", kind: "Pod", metadata: { namespace: "web" } },
    { apiVersion: "v1", kind: "Node" },
    { apiVersion: "v1", kind: "Pod", metadata: { namespace: "own" } },
  ]);
});

test.each([
  ["a: b\n---\nc: [", /YAML document 2/],
  ["just text", /YAML document 1 is not a Kubernetes object/],
])("%j is refused", async (text, message) => {
  await expect(decode(text)).rejects.toThrow(message);
});
