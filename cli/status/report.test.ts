import { describe, expect, test } from "vitest";
import type { Outputs } from "../engine/outputs.ts";
import { UsageError } from "../errors.ts";
import { knownHosts } from "../credentials.ts";
import { choosePod } from "./pods.ts";
import { report, statusText, tryText } from "./report.ts";

const outputs: Outputs = {
  kubeconfig: "secret",
  nodes: [
    { name: "pi1", role: "steering", number: 1, ula: "fd00::1", global: "2001:db8::1" },
    { name: "pi2", role: "service", number: 2, ula: "fd00::2" },
  ],
  clients: [{ name: "client1", number: 101, ula: "fd00::101", emulated: true }],
  rootDns: { address: "2001:db8::1", port: 53 },
  secondaryDns: [{ address: "fd00::2:53", port: 53 }],
  clusterDns: [{ address: "fd00::2", port: 53 }],
  names: ["echo.peak."],
  services: { echo: "http://echo.peak/" },
  ssh: { user: "root", privateKey: "secret", hostKeys: {} },
  certificates: [
    { name: "later", ends: "2027-04-01T00:00:00Z", hours: 8760 },
    { name: "sooner", ends: "2027-01-01T00:00:00Z", hours: 8760 },
  ],
};
const up = { state: "up", outputs } as const;
const now = new Date("2026-06-01T00:00:00Z");
const year = 8760;
const bothReady = {
  ready: new Map([
    ["pi1", true],
    ["pi2", true],
  ]),
};

describe("report", () => {
  test("a stack that is up", () => {
    expect(report("local", up, bothReady, now)).toEqual({
      stack: "local",
      state: "up",
      nodes: [
        { name: "pi1", role: "steering", ready: true, ula: "fd00::1", global: "2001:db8::1" },
        { name: "pi2", role: "service", ready: true, ula: "fd00::2", global: null },
      ],
      clients: [{ name: "client1", ula: "fd00::101", global: null }],
      rootDns: { address: "2001:db8::1", port: 53 },
      secondaryDns: [{ address: "fd00::2:53", port: 53 }],
      clusterDns: [{ address: "fd00::2", port: 53 }],
      names: ["echo.peak."],
      services: { echo: "http://echo.peak/" },
      certificates: [{ name: "sooner", ends: "2027-01-01T00:00:00Z" }, { name: "later", ends: "2027-04-01T00:00:00Z" }],
      problems: [],
    });
  });

  test.each([
    [
      "a node that is not ready",
      {
        ready: new Map([
          ["pi1", true],
          ["pi2", false],
        ]),
      },
      [true, false],
      ["pi2 is not ready"],
    ],
    ["a node that Kubernetes does not know", { ready: new Map([["pi1", true]]) }, [true, false], ["pi2 is not ready"]],
    ["an API server that is silent", { error: "no answer" }, [false, false], ["the cluster does not answer: no answer"]],
  ])("%s", (_, live, ready, problems) => {
    const status = report("local", up, live, now);
    expect(status).toMatchObject({ state: "degraded", problems });
    expect(status.nodes.map((node) => node.ready)).toEqual(ready);
  });

  test.each(["partial", "absent"] as const)("a stack that is %s has all fields, empty", (state) => {
    expect(report("local", { state }, undefined, now)).toMatchObject({
      state,
      nodes: [],
      clients: [],
      rootDns: null,
      secondaryDns: [],
      clusterDns: [],
      names: [],
      services: {},
      certificates: [],
    });
  });

  test.each<[string, number, string[]]>([
    ["2027-02-01T00:00:00Z", year, []],
    ["2026-10-01T00:00:00Z", year, []],
    ["2026-09-30T00:00:00Z", year, ["the certificate a ends on 2026-09-30: ./peak up renews what is due"]],
    ["2026-05-30T00:00:00Z", year, ["the certificate a has ended on 2026-05-30: ./peak up renews what is due"]],
    ["2029-09-01T00:00:00Z", 10 * year, ["the certificate a ends on 2029-09-01: ./peak up renews what is due"]],
  ])("a certificate that ends on %s after %i hours of life", (ends, hours, problems) => {
    const certificates = [{ name: "a", ends, hours }];
    expect(report("local", { state: "up", outputs: { ...outputs, certificates } }, bothReady, now)).toMatchObject({
      state: problems.length > 0 ? "degraded" : "up", problems,
    });
  });

  test("several certificates that end soon are one line", () => {
    const certificates = ["b", "a"].map((name, index) => ({ name, ends: `2026-07-0${index + 1}T00:00:00Z`, hours: year }));
    expect(report("local", { state: "up", outputs: { ...outputs, certificates } }, bothReady, now).problems).toEqual([
      "the certificate b ends on 2026-07-01, and 1 more end soon: ./peak up renews what is due",
    ]);
  });

  test("no secret gets into it", () => expect(JSON.stringify(report("local", up, bothReady, now))).not.toContain("secret"));
});

describe("text", () => {
  test("for people", () => {
    expect(statusText(report("local", up, { ready: new Map([["pi1", true]]) }, now))).toBe(`The stack local is up, but:
  pi2 is not ready

Nodes
  pi1  steering  ready      2001:db8::1
  pi2  service   not ready  fd00::2

Clients
  client1  fd00::101

Names
  echo.peak.  http://echo.peak/

Certificates
  sooner  ends 2027-01-01
  later   ends 2027-04-01

DNS
  root       [2001:db8::1]:53
  secondary  [fd00::2:53]:53
  cluster    [fd00::2]:53
`);
  });

  test.each([
    ["local", "absent", "The stack local is not up: ./peak up\n"],
    ["minikube", "absent", "The stack minikube is not up: ./peak up --stack minikube\n"],
    ["local", "partial", "The stack local is half up: ./peak up goes on, ./peak destroy removes it\n"],
    ["minikube", "partial", "The stack minikube is half up: ./peak up --stack minikube goes on, ./peak destroy --stack minikube removes it\n"],
  ] as const)("%s %s", (stack, state, text) => expect(statusText(report(stack, { state }, undefined, now))).toBe(text));

  test("lines to try name what is there", () => {
    const status = report("local", up, bothReady, now);
    expect(tryText(status)).toContain("./peak client -- curl -s http://echo.peak/ ");
    expect(tryText({ ...status, clients: [] })).not.toContain("client --");
  });
});

describe("pods by name", () => {
  const pods = ["echo-1", "echo-2", "dns-1"].map((name) => ({ name, namespace: "peak" }));
  test.each([
    ["echo-2", "echo-2"],
    ["peak/echo-1", "echo-1"],
    ["dns", "dns-1"],
  ])("%s", (name, found) => expect(choosePod(pods, name).name).toBe(found));
  test("several", () =>
    expect(() => choosePod(pods, "echo")).toThrow(new UsageError("echo is the start of several pods:\n  peak/echo-1\n  peak/echo-2")));
  test("none", () => expect(() => choosePod(pods, "ech")).toThrow(/there is no node and no pod ech:\n {2}peak\/dns-1/));
});

test("known hosts: a line a key", () =>
  expect(knownHosts({ pi1: ["ssh-ed25519 AAAA\n", "ecdsa-sha2-nistp256 CCCC"], pi2: ["ssh-ed25519 BBBB"] }))
    .toBe("pi1 ssh-ed25519 AAAA\npi1 ecdsa-sha2-nistp256 CCCC\npi2 ssh-ed25519 BBBB\n"));
