import { describe, expect, test } from "vitest";
import { examine, type Facts, findingsText } from "./findings.ts";

const GIB = 2 ** 30;
const good: Facts = {
  platform: "linux",
  uid: 0,
  kernel: new Set(["netns", "bridge", "veth", "ipv6", "nftables", "overlay"]),
  disk: { nodes: 50 * GIB, cache: 50 * GIB },
  memory: 16 * GIB,
  missing: [],
  apt: true,
  cached: [],
  cacheRoot: "/cache",
  go: "go1.26.0",
  present: [],
  stranger: undefined,
  hasState: false,
  prefixes: { "peak:ulaPrefix": "fd7e:ea4c:0:1::/64" },
  routes: [{ destination: "fe80::/64", link: "eth0" }],
  ownLink: "peak0",
};
const route = (destination: string, link = "eth0") => ({ routes: [{ destination, link }] });

test("a good host has nothing to complain of", () => {
  expect(examine(good).every(({ level }) => level === "ok")).toBe(true);
});

describe.each<[string, Partial<Facts>, string, "ok" | "warn" | "fail"]>([
  ["not Linux", { platform: "darwin" }, "system", "fail"],
  ["not root", { uid: 1000 }, "system", "fail"],
  ["a kernel without overlay", { kernel: new Set(["netns", "bridge", "veth", "ipv6", "nftables"]) }, "kernel", "fail"],
  ["a kernel that could not be tried", { kernel: undefined }, "kernel", "warn"],
  ["3.5 GiB", { memory: 3.5 * GIB }, "memory", "warn"],
  ["2 GiB", { memory: 2 * GIB }, "memory", "fail"],
  ["2 GiB beside a stack that is up", { memory: 2 * GIB, hasState: true }, "memory", "ok"],
  ["no room for nodes", { disk: { nodes: GIB, cache: 50 * GIB } }, "disk", "fail"],
  ["no room for downloads", { disk: { nodes: 50 * GIB, cache: GIB } }, "disk", "fail"],
  ["no room for builds", { disk: { nodes: 50 * GIB, cache: 5 * GIB } }, "disk", "warn"],
  ["missing programs that can be installed", { missing: ["curl"] }, "programs", "ok"],
  ["missing programs", { missing: ["curl"], apt: false }, "programs", "fail"],
  ["no Go", { go: undefined }, "toolchain", "warn"],
  ["no Go, but all is built", { go: undefined, cached: ["engine", "kubernetes", "containerd", "etcd", "coredns", "prometheus"] }, "toolchain", "ok"],
  ["what a dead stack left", { present: ["3 namespaces"] }, "local stack", "warn"],
  ["what another clone runs", { present: ["3 namespaces"], stranger: "/other" }, "local stack", "fail"],
  ["what another clone runs, though this one has a state", { hasState: true, present: ["3 namespaces"], stranger: "/other" }, "local stack", "fail"],
  ["a stack after a reboot", { hasState: true }, "local stack", "warn"],
  ["a stack that is up", { hasState: true, present: ["3 namespaces"] }, "local stack", "ok"],
  ["the prefix on another link", route("fd7e:ea4c:0:1::/64"), "addresses", "fail"],
  ["a part of the prefix on another link", route("fd7e:ea4c:0:1:5::1/128"), "addresses", "fail"],
  ["the prefix on our own link", route("fd7e:ea4c:0:1::/64", "peak0"), "addresses", "ok"],
  ["a prefix that is none", { prefixes: { "peak:ulaPrefix": "nonsense" }, ...route("fd00::/8") }, "addresses", "ok"],
  ["a larger network", route("fd00::/8"), "addresses", "ok"],
])("%s", (_, facts, check, level) => {
  test(`${check} is ${level}`, () => {
    const findings = examine({ ...good, ...facts }).filter((finding) => finding.check === check);
    expect(findings.map((finding) => finding.level)).toEqual([level]);
    if (level !== "ok") expect(findings[0]?.remedy).toBeTruthy();
  });
});

test("what another clone has left is that clone's to remove", () => {
  const finding = examine({ ...good, present: ["3 namespaces"], stranger: "/other" }).find(({ check }) => check === "local stack");
  expect(finding?.text).toBe("this host has that of the clone in /other: 3 namespaces");
  expect(finding?.remedy).toContain("run ./peak destroy in /other");
});

test("a line a finding, and its remedy below", () => {
  const text = findingsText([
    { check: "memory", level: "fail", text: "1 GiB", remedy: "buy some" },
    { check: "disk", level: "ok", text: "much" },
  ]);
  expect(text).toBe("fail  memory: 1 GiB\n      buy some\nok    disk: much\n");
});
