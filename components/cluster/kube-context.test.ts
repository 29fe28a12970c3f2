import { afterEach, describe, expect, test } from "vitest";
import { fakeContext, type FakeContext } from "../../test/harness/kube-context.ts";
import { hostArch } from "../../toolchain/products.ts";
import { findCluster } from "./existing-cluster.ts";
import { archOf, limitsOf, lookInto } from "./kube-context.ts";

const before = { ...process.env };
let fake: FakeContext | undefined;
const use = async (context: string, nodes?: object[]) => {
  fake = await fakeContext(context, nodes);
  Object.assign(process.env, fake.env);
};
afterEach(async () => {
  await fake?.[Symbol.asyncDispose]();
  fake = undefined;
  process.env = { ...before };
});

const node = (name: string, podCIDRs: string[], labels = {}) => ({ metadata: { name, uid: `uid-${name}`, labels }, spec: { podCIDRs } });

describe("looking into a cluster", () => {
  test("tells its nodes, and that they are minikube's", async () => {
    await use("minikube", [node("b", ["fd00::/64"]), node("a", ["10.0.0.0/24", "fd00:1::/64"])]);
    expect(await lookInto("minikube")).toEqual({ minikube: true, nodes: ["a uid-a", "b uid-b"], arch: hostArch, ipv6: true });
  });

  test("a profile of another name is minikube's by its nodes' label; one without a label is somebody else's", async () => {
    await use("lab", [node("lab", ["10.0.0.0/24"], { "minikube.k8s.io/name": "lab" })]);
    expect(await lookInto("lab")).toMatchObject({ minikube: true, ipv6: false });
    await fake?.[Symbol.asyncDispose]();
    await use("kind-kind", [node("kind", ["fd00::/64"])]);
    expect(await lookInto("kind-kind")).toMatchObject({ minikube: false });
    await expect(findCluster("kind-kind", undefined)).rejects.toThrow("the cluster of the context kind-kind is none of minikube's: set peak:imageRegistry");
    expect(await findCluster("kind-kind", "localhost:5000")).toMatchObject({ minikube: false });
  });

  test("a context that is not there is told with those that are", async () => {
    await use("minikube");
    await expect(findCluster("minikub", undefined)).rejects.toThrow(/^peak:kubeContext is minikub, and .*config has no such context; it has minikube$/);
  });

  test("so is a kubeconfig that is not there", async () => {
    process.env["KUBECONFIG"] = "/nowhere/config";
    await expect(findCluster("minikube", undefined)).rejects.toThrow("/nowhere/config");
  });

  test("a cluster that does not answer is told with what to do", async () => {
    await use("minikube");
    await fake?.[Symbol.asyncDispose]();
    const { KUBECONFIG } = (fake = await fakeContext("minikube")).env;
    process.env["KUBECONFIG"] = KUBECONFIG;
    const { readFileSync, writeFileSync } = await import("node:fs");
    writeFileSync(KUBECONFIG, readFileSync(KUBECONFIG, "utf8").replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
    await expect(findCluster("minikube", undefined)).rejects.toThrow(
      /^the cluster of the context minikube \(http:\/\/127\.0\.0\.1:1\) does not answer: .*Start it \(minikube start --profile minikube\), or name another context in peak:kubeContext$/,
    );
  });

  test("without minikube on PATH, images have no way into it", async () => {
    await use("minikube");
    process.env["PATH"] = "/usr/sbin";
    await expect(findCluster("minikube", undefined)).rejects.toThrow("minikube is not on PATH");
  });
});

test("what cannot be there is told", () => {
  const facts = { minikube: true, nodes: [], arch: "amd64" as const, ipv6: true };
  expect(limitsOf("minikube", facts)).toEqual([expect.stringContaining("one root server")]);
  expect(limitsOf("minikube", { ...facts, ipv6: false })[0]).toMatch(/IPv4 addresses alone/);
});

describe("images are built for the architecture of the nodes", () => {
  test("which is that of all", () => expect(archOf("c", ["arm64", "arm64"])).toBe("arm64"));

  test.each([
    [["arm64", "amd64"], "nodes of amd64 and arm64"],
    [["s390x"], "nodes of s390x"],
    [[undefined], "nodes of unknown architecture"],
    [[], "no nodes"],
  ])("%j are refused", (nodes, words) => expect(() => archOf("c", nodes)).toThrow(`the cluster of the context c has ${words}: images are built for`));
});
