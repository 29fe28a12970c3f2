import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import type { KnownResource } from "./state.ts";
import { resolveSelection } from "./targets.ts";

const urn = (type: string, name: string) => `urn:pulumi:local::peak::${type}::${name}`;
const [machines, pi2, cluster, worker] = [
  urn("peak:node:Machines", "machines"),
  urn("peak:node:Machines$peak:node:VirtualPi", "pi2"),
  urn("peak:cluster:Cluster", "cluster"),
  urn("peak:cluster:Cluster$peak:cluster:Worker", "pi2-worker"),
];
const [start, local, remote] = [
  urn("peak:node:Machines$peak:node:VirtualPi$command:local:Command", "pi2"),
  urn("peak:cluster:Cluster$peak:cluster:Worker$command:local:Command", "push"),
  urn("peak:cluster:Cluster$peak:cluster:Worker$command:remote:Command", "push"),
];
const component = (urn: string, parent = ""): KnownResource => ({ urn, parent, custom: false });
const custom = (urn: string, parent: string): KnownResource => ({ urn, parent, custom: true });
const resources = [
  component(machines), component(pi2, machines), custom(start, pi2),
  component(cluster), component(worker, cluster), custom(local, worker), custom(remote, worker),
];
const target = (...names: string[]) => resolveSelection("local", { target: names }, resources).target;

describe("targets", () => {
  test.each([
    ["a component's name, for all in it", "pi2", [pi2, start]],
    ["type and name", "Worker pi2-worker", [worker, local, remote]],
    ["type and name of what is in a component of that name", "Command pi2", [start]],
    ["a URN", remote, [remote]],
    ["the outermost, for all", "machines", [machines, pi2, start]],
  ])("%s", (_, name, urns) => expect(target(name)).toEqual(urns));

  test("several, each once", () => expect(target("pi2", "machines")).toEqual([pi2, start, machines]));

  test("none, where none are asked for", () => expect(resolveSelection("local", {}, resources)).toEqual({}));

  test("what is to be replaced is what can be", () =>
    expect(resolveSelection("local", { replace: ["pi2-worker"] }, resources)).toEqual({ replace: [local, remote] }));
});

describe("refused, with the candidates", () => {
  test("a name of several", () => {
    expect(() => target("push")).toThrow(UsageError);
    expect(() => target("push")).toThrow(`several resources of the stack local; which?\n  ${local}\n  ${remote}`);
  });

  test("a name like another", () =>
    expect(() => target("pi")).toThrow(/no resource pi in the stack local.*:\n {2}Command pi2\n {2}VirtualPi pi2\n {2}Worker pi2-worker$/s));

  test("a name like none", () => expect(() => target("x")).toThrow(/among others:\n {2}Cluster cluster\n {2}Machines machines\n/));

  test("any name, in a stack that has nothing", () =>
    expect(() => resolveSelection("local", { target: ["pi2"] }, [])).toThrow("there is no resource pi2: the stack local has none yet"));
});
