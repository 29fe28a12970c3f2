import { expect, test } from "vitest";
import { planAddresses } from "../../addressing/delegation.ts";
import { renderRoutes, renderRoutesUndo } from "./routes.ts";

test("what takes back the routes of a client leaves those of a node, which the same host may have by then, and the other way round", () => {
  const nodes = [planAddresses("fd00:1:2:3::/64").node(1)];
  const [node, client] = (["node", "client"] as const).map((kind) => /proto \d+/.exec(renderRoutes(kind, nodes))![0]);
  expect(node).not.toBe(client);
  expect([renderRoutesUndo("node"), renderRoutesUndo("client")]).toEqual([`ip -6 route flush ${node}\n`, `ip -6 route flush ${client}\n`]);
});
