// The verbs that find boards and make them the stack's, on a virtual Pi that plays a board.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../../test/machine.ts";

let machine: Machine;
beforeAll(() => {
  machine = new Machine("peakhost", "fd7e:ea4c:0:fd");
}, 600_000);
afterAll(() => machine?.[Symbol.dispose](), 60_000);

const arch = process.arch === "x64" ? "amd64" : "arm64";

function verb(name: string, spec: object): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["programs/hosts/main.ts", name], { input: JSON.stringify(spec), encoding: "utf8" });
}
const connection = (more: object = {}) =>
  ({ host: machine.address, user: "root", privateKey: machine.key("operator"), hostKey: machine.key("host.pub").trim(), ...more });
const look = () => verb("look", { connection: connection() }).stdout;
const settle = (more: object = {}) => verb("settle", { name: "board1", arch, incarnation: "first", connection: connection(), ...more });

describe("a board", { timeout: 120_000 }, () => {
  test("answers, while an address where there is none does not, and is named with the reason", () => {
    const hosts = [{ name: "board1", address: machine.address }, { name: "board2", address: "fd7e:ea4c:0:fd:2::1" }];
    expect(JSON.parse(verb("silent", { hosts, seconds: 1 }).stdout)).toEqual({ board2: expect.stringMatching(/no answer|EHOSTUNREACH/) });
  });

  test("has no incarnation at first: another one is made up each time", () => expect(look()).not.toBe(look()));

  test("keeps the one that it is given", () => {
    expect(settle()).toMatchObject({ status: 0, stdout: "first" });
    expect([look(), look()]).toEqual(["first", "first"]);
  });

  test("has lost it when it is flashed anew", () => {
    machine.takeAway();
    machine.switchOn();
    expect(look()).toMatch(/^[0-9a-f-]{36}$/);
    expect(settle({ incarnation: "second" })).toMatchObject({ status: 0, stdout: "second" });
    expect(look()).toBe("second");
  });

  test("is refused when it is another kind of machine, or nobody lets us in, or it is silent: with the remedy", () => {
    expect(settle({ arch: arch === "amd64" ? "arm64" : "amd64" })).toMatchObject({ status: 1, stderr: expect.stringContaining(`architecture ${arch}: say so in the inventory`) });
    expect(settle({ connection: connection({ hostKey: machine.key("operator.pub").trim() }) })).toMatchObject({ status: 1, stderr: expect.stringContaining("cannot log in") });
    expect(settle({ silent: "no answer" })).toMatchObject({ status: 1, stderr: expect.stringContaining("board1 (fd7e:ea4c:0:fd:1::1) does not answer: no answer. Switch it on") });
  });

  test("has nothing of ours when it is left", () => {
    expect(verb("leave", { name: "board1", arch, incarnation: "second", connection: connection() })).toMatchObject({ status: 0, stderr: "" });
    expect(machine.ssh("ls /var/lib/peak-setups")).toMatchObject({ status: 2 });
  });
});
