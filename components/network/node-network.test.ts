import { expect, test } from "vitest";
import { planAddresses } from "./delegation.ts";
import { renderCni, renderRoutes } from "./node-network.ts";

const plan = planAddresses("fd00:1:2:3::/64", "2001:db8:0:1::/64");

test("pods get an address of each scope, the published one first, without masquerading", () => {
  const [bridge] = JSON.parse(renderCni(plan.node(3))).plugins;
  expect(bridge).toMatchObject({
    type: "bridge",
    ipMasq: false,
    ipam: {
      ranges: [
        [{ subnet: "2001:db8:0:1:3:1::/96", rangeStart: "2001:db8:0:1:3:1:0:10" }],
        [{ subnet: "fd00:1:2:3:3:1::/96", rangeStart: "fd00:1:2:3:3:1:0:10" }],
      ],
    },
  });
});

test("each prefix of each peer is routed to that peer", () => {
  expect(renderRoutes([plan.node(1), plan.node(2)]).split("\n")).toEqual([
    "#!/bin/sh",
    "set -e",
    "ip -6 route replace 2001:db8:0:1:1::/80 via 2001:db8:0:1:1::1 dev eth0 onlink",
    "ip -6 route replace fd00:1:2:3:1::/80 via fd00:1:2:3:1::1 dev eth0 onlink",
    "ip -6 route replace 2001:db8:0:1:2::/80 via 2001:db8:0:1:2::1 dev eth0 onlink",
    "ip -6 route replace fd00:1:2:3:2::/80 via fd00:1:2:3:2::1 dev eth0 onlink",
    "",
  ]);
});
