import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadInventory, type InventoryHost } from "../inventory.ts";
import { wiringPlan } from "../plan.ts";
import { kernelWords, renderMedia, withKernelWords } from "./media.ts";
import { renderPlan } from "./plan-markdown.ts";
import { renderPlanSvg } from "./plan-svg.ts";

const path = "hardware/inventory.pi-testbed.yaml";
const plan = wiringPlan(loadInventory(path), { ula: "fd7e:ea4c:0:1::/64", global: "2001:db8:7ea:c::/64" });

test("the plan of the testbed, as text", () => expect(renderPlan(plan, path)).toMatchFileSnapshot("golden/plan.md"));
test("the plan of the testbed, as a drawing", () => expect(renderPlanSvg(plan.switches[0]!)).toMatchFileSnapshot("golden/switch1.svg"));

describe("boot media", () => {
  const facts = {
    addresses: ["fd7e:ea4c:0:1:3::1", "2001:db8:7ea:c:3::1"],
    router: "fd7e:ea4c:0:1:ffff::1",
    authorizedKeys: ["ssh-ed25519 OPERATOR"],
    hostKeys: [{ private: "-----BEGIN OPENSSH PRIVATE KEY-----\nHOST\n-----END OPENSSH PRIVATE KEY-----\n", public: "ssh-ed25519 HOST" }],
  };
  const [card] = loadInventory(path).hosts.filter(({ name }) => name === "service1") as [InventoryHost];
  const network: InventoryHost = { ...card, board: { ...card.board!, boot: "network", mac: "2c:cf:67:00:00:03", serial: "0123456789abcdef" } };

  test.each([
    ["card", card],
    ["network", network],
  ])("of a board that boots from the %s", async (name, host) => {
    for (const [file, text] of Object.entries(renderMedia(host, facts))) await expect(text).toMatchFileSnapshot(`golden/${name}/${file}`);
  });

  test("bring both generations of keys while these are rotated", () => {
    const ecdsa = { private: "-----BEGIN OPENSSH PRIVATE KEY-----\nNEXT\n", public: "ecdsa-sha2-nistp256 NEXT" };
    const userData = renderMedia(card, { ...facts, authorizedKeys: ["ssh-ed25519 OPERATOR", "ssh-ed25519 NEXT"], hostKeys: [...facts.hostKeys, ecdsa] })["user-data"]!;
    expect(parse(userData)).toMatchObject({
      ssh_genkeytypes: ["ed25519", "ecdsa"],
      ssh_keys: { ed25519_public: "ssh-ed25519 HOST", ecdsa_private: ecdsa.private, ecdsa_public: ecdsa.public },
      users: [{ ssh_authorized_keys: ["ssh-ed25519 OPERATOR", "ssh-ed25519 NEXT"] }],
    });
  });

  test("are taken by a board again that was set up from others, and only then", () => {
    const id = (changed: object) => (parse(renderMedia(card, { ...facts, ...changed })["meta-data"]!) as Record<string, string>)["instance-id"];
    expect(id({})).toBe(id({}));
    expect(id({ authorizedKeys: ["ssh-ed25519 OTHER"] })).not.toBe(id({}));
    expect(id({ addresses: ["fd7e:ea4c:0:1:4::1"] })).not.toBe(id({}));
  });

  test("kernel words are added to an image's own, once", () => {
    const line = "console=tty1 root=PARTUUID=1234-02 rootfstype=ext4 rootwait";
    expect(withKernelWords(`${line}\n`)).toBe(`${line} ${kernelWords.join(" ")}\n`);
    expect(withKernelWords(withKernelWords(line))).toBe(withKernelWords(line));
  });
});
