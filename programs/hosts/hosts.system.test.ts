// The verbs that find boards and make them the stack's, on a virtual Pi that plays a board.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../../test/machine.ts";
import type { KeyPair } from "../ssh-keys.ts";
import { withSession } from "../ssh.ts";
import { renderAdmit } from "./admit.ts";

let machine: Machine;
const scratch = mkdtempSync(join(tmpdir(), "peak-hosts-"));
/** A generation of keys. */
type Keys = Record<"operator" | "host", KeyPair>;
let first: Keys;
let second: Keys;
beforeAll(() => {
  machine = new Machine("peakhost", "fd7e:ea4c:0:fd");
  const pair = (name: string) => ({ private: machine.key(name), public: machine.key(`${name}.pub`).split(" ").slice(0, 2).join(" ") });
  first = { operator: pair("operator"), host: pair("host") };
  second = { operator: keyPair("ed25519"), host: keyPair("ecdsa") };
}, 600_000);
afterAll(() => {
  machine?.[Symbol.dispose]();
  rmSync(scratch, { recursive: true });
}, 60_000);

/** A new key. */
function keyPair(type: string): KeyPair {
  const file = join(mkdtempSync(join(scratch, "key-")), "key");
  execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", file]);
  return { private: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8").trim() };
}

const arch = process.arch === "x64" ? "amd64" : "arm64";

function verb(name: string, spec: object): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["programs/hosts/main.ts", name], { input: JSON.stringify(spec), encoding: "utf8" });
}
const connection = (more: object = {}) =>
  ({ host: machine.address, user: "root", privateKey: machine.key("operator"), hostKey: machine.key("host.pub").trim(), ...more });
const look = (more: object = {}) => JSON.parse(verb("look", { connection: connection(more) }).stdout) as unknown;
const login = ({ operator }: Keys, { host }: Keys) => ({ host: machine.address, port: 22, user: "root", privateKey: operator.private, hostKey: host.public });
/** Whether the board lets in who comes with one generation's operator key, and expects another's host key. */
const lets = (operator: Keys, host: Keys) => withSession(login(operator, host), 20, async () => "in").catch((error: Error) => error.message);
const refused: unknown = expect.stringContaining("cannot log in");
/** @param used what is logged in with */
const admit = (keys: Keys[], used: Keys) =>
  verb("admit", { connection: login(used, used), operatorKeys: keys.map(({ operator }) => operator), hostKeys: keys.map(({ host }) => host) });
const settle = (more: object = {}) => verb("settle", { name: "board1", arch, incarnation: "first", connection: connection(), ...more });

describe("a board", { timeout: 120_000 }, () => {
  test("answers, while an address where there is none does not, and is named with the reason", () => {
    const hosts = [{ name: "board1", address: machine.address }, { name: "board2", address: "fd7e:ea4c:0:fd:2::1" }];
    expect(JSON.parse(verb("silent", { hosts, seconds: 1 }).stdout)).toEqual({ board2: expect.stringMatching(/no answer|EHOSTUNREACH/) });
  });

  test("has no incarnation at first; that nobody could look is another matter", () => {
    expect(look()).toEqual({});
    expect(look({ hostKey: machine.key("operator.pub").trim() })).toEqual({ fault: expect.stringContaining("cannot log in") });
  });

  test("keeps the one that it is given", () => {
    expect(settle()).toMatchObject({ status: 0, stdout: "first" });
    expect(look()).toEqual({ incarnation: "first" });
  });

  test("does not take another one for its own when it could not be looked at for a moment", () => {
    expect(settle({ incarnation: "made up" })).toMatchObject({ status: 1, stderr: expect.stringContaining("run this again") });
    expect(look()).toEqual({ incarnation: "first" });
  });

  test("has lost it when it is flashed anew", () => {
    machine.takeAway();
    machine.switchOn();
    expect(look()).toEqual({});
    expect(settle({ incarnation: "second" })).toMatchObject({ status: 0, stdout: "second" });
    expect(look()).toEqual({ incarnation: "second" });
  });

  test("is refused when it is another kind of machine, or nobody lets us in, or it is silent: with the remedy", () => {
    expect(settle({ arch: arch === "amd64" ? "arm64" : "amd64" })).toMatchObject({ status: 1, stderr: expect.stringContaining(`architecture ${arch}: say so in the inventory`) });
    expect(settle({ connection: connection({ hostKey: machine.key("operator.pub").trim() }) })).toMatchObject({ status: 1, stderr: expect.stringContaining("cannot log in") });
    expect(settle({ fault: "cannot log in" })).toMatchObject({ status: 1, stderr: expect.stringContaining("board1 cannot be looked at: cannot log in") });
    expect(settle({ silent: "no answer" })).toMatchObject({ status: 1, stderr: expect.stringContaining("board1 (fd7e:ea4c:0:fd:1::1) does not answer: no answer. Switch it on") });
  });

  test("is left as it is while it accepts and shows the only keys that there ever were", () => {
    const told = () => machine.ssh("cat /root/.ssh/authorized_keys; ls -i /root/.ssh/authorized_keys /etc/ssh/ssh_host_*; pgrep -o sshd").stdout;
    // As somebody would who prepares a board: without the mark.
    machine.ssh(`{ echo 'ssh-ed25519 AAAA somebody@else'; echo '${first.operator.public} me'; } > /root/.ssh/authorized_keys; echo '${first.host.public}' > /etc/ssh/ssh_host_ed25519_key.pub`);
    const before = told();
    expect(admit([first], first)).toMatchObject({ status: 0, stderr: "" });
    expect(told()).toBe(before);
  });

  test("accepts and shows two generations of keys side by side, each to whom expects it, also after a run that was killed before the server had read them", async () => {
    const [script] = renderAdmit([first.operator.public, second.operator.public], [first.host, second.host]).split("if [ -e $reload ]");
    const reloads = () => Number(machine.ssh("journalctl --unit ssh | grep -c 'Reloaded ssh'").stdout);
    const before = reloads();
    expect(machine.ssh(script!)).toMatchObject({ status: 0 });
    expect(admit([first, second], first)).toMatchObject({ status: 0, stderr: "" });
    expect(reloads()).toBe(before + 1);
    expect(await Promise.all([lets(first, first), lets(first, second), lets(second, first), lets(second, second)])).toEqual(["in", "in", "in", "in"]);
  });

  test("forgets the first one, and nothing else: who comes with it is not let in, and who expects it does not see it", async () => {
    expect(admit([second], second)).toMatchObject({ status: 0, stderr: "" });
    expect([await lets(second, second), await lets(first, second), await lets(second, first)]).toEqual(["in", refused, refused]);
    const files = await withSession(login(second, second), 20, ({ run }) => run("cat /root/.ssh/authorized_keys; ls /etc/ssh/ssh_host_*"));
    expect(files.split("\n")).toEqual(["ssh-ed25519 AAAA somebody@else", `${second.operator.public} peak-stack`, "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ecdsa_key.pub", ""]);
  });

  test("goes on to a third one, or back to the first", async () => {
    const third = { operator: keyPair("ed25519"), host: keyPair("ed25519") };
    expect(admit([second, third], second)).toMatchObject({ status: 0 });
    expect([await lets(third, third), await lets(second, second)]).toEqual(["in", "in"]);
    expect(admit([first, second], third)).toMatchObject({ status: 0 });
    expect([await lets(first, first), await lets(second, second), await lets(third, second)]).toEqual(["in", "in", refused]);
    expect(admit([first], first)).toMatchObject({ status: 0 });
  });

  test("whose SSH server is told to show another key only is named with the remedy, and is reached as before", async () => {
    machine.ssh("echo HostKey /etc/ssh/ssh_host_ed25519_key > /etc/ssh/sshd_config.d/own.conf");
    expect(admit([first, second], first)).toMatchObject({ status: 1, stderr: expect.stringContaining("names no other HostKey") });
    expect(await lets(first, first)).toBe("in");
    machine.ssh("rm /etc/ssh/sshd_config.d/own.conf");
    expect(admit([first], first)).toMatchObject({ status: 0 });
  });

  test("has nothing of ours when it is left", () => {
    expect(verb("leave", { name: "board1", arch, incarnation: "second", connection: connection() })).toMatchObject({ status: 0, stderr: "" });
    expect(machine.ssh("ls /var/lib/peak-setups")).toMatchObject({ status: 2 });
  });
});
