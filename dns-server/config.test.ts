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

test("takes grants and notifications that say something", () => {
  const config = parseConfig(root({ ...updates({ names: ["a.peak"], types: ["A"] }), transfer: { notify: ["[::1]:53", { server: "[::1]:54", key: "k" }] } }), "x.yaml");
  expect(config).toMatchObject({ transfer: { notify: [{ server: { port: 53 } }, { server: { port: 54 }, key: "\x01k\0" }] } });
});
