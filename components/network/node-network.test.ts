import { expect, test } from "vitest";
import { planAddresses } from "../../addressing/delegation.ts";
import { renderCni, renderFirewall, renderNetwork } from "./node-network.ts";

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

test("a node has an address for a root server, and a route for each prefix of each peer", () => {
  expect(renderNetwork(plan.node(3), [plan.node(1), plan.node(2)]).split("\n")).toEqual([
    "#!/bin/sh",
    "set -e",
    "ip -6 route replace 2001:db8:0:1:1::/80 via 2001:db8:0:1:1::1 dev eth0 onlink proto 112",
    "ip -6 route replace fd00:1:2:3:1::/80 via fd00:1:2:3:1::1 dev eth0 onlink proto 112",
    "ip -6 route replace 2001:db8:0:1:2::/80 via 2001:db8:0:1:2::1 dev eth0 onlink proto 112",
    "ip -6 route replace fd00:1:2:3:2::/80 via fd00:1:2:3:2::1 dev eth0 onlink proto 112",
    "",
    "ip -6 route show proto 112 | while read -r prefix _; do",
    '  case " 2001:db8:0:1:1::/80 fd00:1:2:3:1::/80 2001:db8:0:1:2::/80 fd00:1:2:3:2::/80 " in *" $prefix "*) ;; *) ip -6 route delete "$prefix" proto 112 ;; esac',
    "done",
    "ip -6 address replace 2001:db8:0:1:3::53/128 dev eth0 nodad preferred_lft 0",
    "ip -6 address replace fd00:1:2:3:3::53/128 dev eth0 nodad preferred_lft 0",
    "nft -f /etc/peak/firewall.nft",
    "",
  ]);
});

test("the ports of monitoring answer nodes and pods, and nobody else", () => {
  const firewall = renderFirewall([plan.node(1), plan.node(2)]);
  expect(firewall).toContain("elements = { 2001:db8:0:1:1::/80, fd00:1:2:3:1::/80, 2001:db8:0:1:2::/80, fd00:1:2:3:2::/80 }");
  expect(firewall).toContain('iifname != "lo" tcp dport 9090-9199 ip6 saddr != @cluster reject with tcp reset');
});
