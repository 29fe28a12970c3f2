import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

const root = (more: object): string =>
  JSON.stringify({
    role: "root",
    listen: ["[::1]:0"],
    zone: "peak",
    records: "@ SOA ns h 1 1 1 1 1",
    keys: [{ name: "k", secret: "AAAA" }],
    ...more,
  });
const updates = (grant: object): object => ({ updates: { journal: "j", grants: [{ key: "k", ...grant }] } });

test.each<[string, object, string]>([
  ["a name where an address must be", { transfer: { notify: ["ns2.example.org:53"] } }, 'transfer.notify[0]: "ns2.example.org:53" is not [IPV6]:PORT'],
  ["the same with a key", { transfer: { notify: [{ server: "x:53", key: "k" }] } }, 'transfer.notify[0].server: "x:53" is not [IPV6]:PORT'],
  ["a grant of nothing", updates({}), "updates.grants[0]: grants nothing: give delegateTo, or both names and types"],
  ["names without types", updates({ names: ["a.peak"] }), "updates.grants[0]: grants nothing"],
  ["types without names", updates({ delegateTo: ["ns.peak"], types: ["A"] }), "updates.grants[0]: grants nothing"],
])("says what is wrong with %s", (_, more, message) => {
  expect(() => parseConfig(root(more), "x.yaml")).toThrow(message);
});

const cluster = (prometheus: object): string =>
  JSON.stringify({ role: "cluster", listen: ["[::1]:53"], zone: "peak", nameServers: [{ name: "ns.peak" }], prometheus });

test.each([
  [{ url: "https://u:p@x" }, "key prometheus.url: must have no user name and password: give prometheus.user and prometheus.passwordFile"],
  [{ url: "https://x/?a=b" }, "key prometheus.url: must have no query and no fragment"],
  [{ url: "https://x", user: "a" }, "key prometheus.user: needs passwordFile"],
  [{ url: "https://x", user: "a:b", passwordFile: "p" }, "key prometheus.user: must be one or more characters, without a colon"],
  [{ url: "https://x", passwordFile: "p" }, "key prometheus.passwordFile: needs user"],
  [{ url: "https://x", password: "secret" }, 'key prometheus: Unrecognized key: "password"'],
  [{ url: "https://x", user: "a", passwordFile: "p", tokenFile: "t" }, "key prometheus.tokenFile: there is passwordFile too"],
  [{ url: "https://x", certificate: "c" }, "key prometheus.certificate: needs key"],
  [{ url: "https://x", key: "c" }, "key prometheus.key: needs certificate"],
  [{ url: "http://x", ca: "c" }, "key prometheus.ca: needs a url that begins with https:"],
  [{ url: "http://[::1]", certificate: "c", key: "k" }, "key prometheus.certificate: needs a url that begins with https:"],
  [{ url: "http://x", tokenFile: "t" }, "key prometheus.tokenFile: would go over the network for all to read: the url must begin with https:"],
  [{ url: "http://127.0.0.1.x", user: "a", passwordFile: "p" }, "key prometheus.passwordFile: would go over the network"],
  [{ url: "https://x", tenant: "a\nb" }, "key prometheus.tenant: must be 1 to 150 letters"],
  [{ url: "https://x", tenant: "" }, "key prometheus.tenant: must be 1 to 150 letters"],
])("misuse of what Prometheus is asked with is told by key and remedy: %j", (prometheus, message) => {
  expect(() => parseConfig(cluster(prometheus), "c.yaml")).toThrow(`c.yaml: ${message}`);
});

test("files that Prometheus is asked with are taken from the configuration's folder", () => {
  const config = parseConfig(cluster({ url: "http://127.0.0.1:9090", tokenFile: "secrets/token" }), "/etc/peakdns/c.yaml");
  expect(config).toMatchObject({ prometheus: { tokenFile: "/etc/peakdns/secrets/token" } });
});

test("takes grants and notifications that say something", () => {
  const config = parseConfig(root({ ...updates({ names: ["a.peak"], types: ["A"] }), transfer: { notify: ["[::1]:53", { server: "[::1]:54", key: "k" }] } }), "x.yaml");
  expect(config).toMatchObject({ transfer: { notify: [{ server: { port: 53 } }, { server: { port: 54 }, key: "\x01k\0" }] } });
});
