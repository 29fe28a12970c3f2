import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { renderCorefile } from "./cluster-dns.ts";
import { renderContainerd, renderRegistryHost } from "./container-runtime.ts";
import { renderKubeconfig } from "./kubeconfig.ts";
import { pauseImage, renderPauseImage } from "./pause-image.ts";
import { renderRegistry } from "./registry.ts";
import { renderKubelet, renderProxy } from "./worker.ts";

describe("kubeconfig", () => {
  const config = JSON.parse(renderKubeconfig({ server: "https://[fd00::1]:6443", authority: "A", certificate: "C", key: "K" }));

  test("its one context leads to the server, with the holder's certificate", () => {
    expect(config["current-context"]).toBe("peak");
    expect(config.clusters[0].cluster).toEqual({ server: "https://[fd00::1]:6443", "certificate-authority-data": "QQ==" });
    expect(config.users[0].user).toEqual({ "client-certificate-data": "Qw==", "client-key-data": "Sw==" });
  });
});

describe("kubelet", () => {
  const config = (role: "steering" | "service") => JSON.parse(renderKubelet({ name: "pi1", role }, { clusterDns: "fd00::a" }));

  test("lets nobody in without credentials", () => {
    expect(config("service")).toMatchObject({
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
      authorization: { mode: "Webhook" },
      healthzBindAddress: "::1",
    });
  });

  test("keeps ordinary pods off steering hosts", () => {
    expect(config("steering").registerWithTaints).toEqual([{ key: "peak/role", value: "steering", effect: "NoSchedule" }]);
    expect(config("service").registerWithTaints).toEqual([]);
  });
});

test("kube-proxy uses nftables, and shows itself to loopback only", () => {
  expect(JSON.parse(renderProxy({ name: "pi1" }))).toMatchObject({
    mode: "nftables",
    healthzBindAddress: "[::1]:10256",
    metricsBindAddress: "[::1]:10249",
  });
});

test("containerd takes sandboxes from the node itself, and images from where certs.d says", () => {
  expect(renderContainerd()).toContain(`sandbox = "${pauseImage}"`);
  expect(renderContainerd()).toContain('config_path = "/etc/peak/containerd/certs.d"');
});

test("containerd reaches the registry by address, over TLS, with its password", () => {
  const text = renderRegistryHost({ host: "registry.example:5000", address: "fd00::1", username: "u", password: "p" }, "/trust");
  expect(text).toContain('[host."https://[fd00::1]:5000"]');
  expect(text).toContain('ca = "/trust/ca.crt"');
  expect(text).toContain(`Authorization = "Basic ${Buffer.from("u:p").toString("base64")}"`);
});

test("the registry asks everybody for a password, over TLS", () => {
  expect(JSON.parse(renderRegistry("fd00::1"))).toMatchObject({
    http: { addr: "[fd00::1]:5000", tls: { certificate: "/etc/peak/registry/server.crt" } },
    auth: { htpasswd: { path: "/etc/peak/registry/htpasswd" } },
  });
});

test("CoreDNS answers the cluster's names and forwards the zone to the resolver, nothing else", () => {
  const corefile = renderCorefile("peak.", "[fd00::1]:5353");
  expect(corefile).toMatch(/^cluster\.local:1053 ip6\.arpa:1053 \{/);
  expect(corefile).toMatch(/^peak\.:1053 \{\n {4}errors\n {4}forward \. \[fd00::1\]:5353\n\}/m);
  expect(corefile).not.toMatch(/^\.:/m);
});

test("the script of the pause image is one that a shell can read", () => {
  expect(() => execFileSync("sh", ["-n"], { input: renderPauseImage() })).not.toThrow();
});
