import { describe, expect, test } from "vitest";
import { expandedLength, expandTemplate, isPerPod, templateFault } from "./template.ts";

const values = { namespace: "shop", clusterName: "c1", podName: "web-0", pods: ["web-0", "web.1"] };

describe("expansion", () => {
  test.each([
    ['nginx_connections_active{namespace="%namespace%",pod="%pod-name%"}', 'nginx_connections_active{namespace="shop",pod="web-0"}'],
    ["sum by (pod) (x{pod=~'%pods%', cluster=\"%cluster-name%\"})", "sum by (pod) (x{pod=~'^(?:web-0|web[.]1)$', cluster=\"c1\"})"],
    ["a % b + a%b", "a % b + a%b"],
    ["x{a='%namespace%/%namespace%'}", "x{a='shop/shop'}"],
  ])("%s", (template, expected) => {
    expect(expandTemplate(template, values)).toBe(expected);
    expect(expandedLength(template, values)).toBe(expected.length);
  });
  test("names that could end a string, or mean something in a pattern, never get into one", () => {
    expect(expandTemplate("%pods%", { ...values, pods: ['a"}', "b|c", "fd00::1", "d"] })).toBe("^(?:d)$");
  });
  test("without pods it matches none", () => {
    const pattern = new RegExp(expandTemplate("%pods%", { ...values, pods: [] }));
    expect(["", "a", "web-0"].filter((name) => pattern.test(name))).toEqual([]);
  });
  test("`$` in a replacement means nothing", () => {
    expect(expandTemplate("%cluster-name%", { ...values, clusterName: "$&" })).toBe("$&");
  });
  test("asks for each pod only where its name is in the text", () => {
    expect(['x{pod="%pod-name%"}', 'x{pod=~"%pods%"}', 'x{namespace="%namespace%"}'].map(isPerPod)).toEqual([true, false, false]);
  });
});

describe("faults", () => {
  test.each([
    ['x{pod=~"%pods%"}'],
    ['x{pod!~"%pods%"}'],
    ['x{pod = "%pod-name%"} % 3 / y%z%w'],
    ["# isn't %this% fine?\nx{pod=~`%pods%`}"],
    ['label_replace(x, "pod", "$1", "instance", "%pods%")'],
    ['x{path="100%"} / y{path="\\"%"}'],
  ])("none: %s", (template) => {
    expect(templateFault(template, "c1")).toBeUndefined();
  });
  test.each([
    ["  ", "the query is empty"],
    ['x{pod="%podname%"}', "%podname% in the query is none of %namespace%, %pod-name%, %cluster-name%, %pods%"],
    ['x{pod="%Pod-Name%"}', "%Pod-Name% in the query is none of"],
    ['x{pod="%pods%"}', 'write =~"%pods%" instead of ="%pods%"'],
    ['x{pod != "%pods%"}', "is a regular expression"],
    ["sum(%pods%)", "must stand in a string"],
    ['x{cluster="%cluster-name%"}', "no key clusterName"],
    ['x{type="%cluster-type%"}', "no annotation dns.peak/cluster-type"],
  ])("%s: %s", (template, fault) => {
    expect(templateFault(template, undefined)).toContain(fault);
  });
});
