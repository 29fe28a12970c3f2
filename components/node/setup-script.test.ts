import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { renderInstall, renderRemove, renderUnit, type Setup, type SetupUnit } from "./setup-script.ts";

const text = fc.string({ unit: fc.constantFrom("a", "'", '"', "\\", "$", "`", "\n", " ", "%", "!", "*", "é", "-n") });

describe("renderUnit", () => {
  const unit: SetupUnit = { name: "a.service", description: "A", type: "exec", exec: ["/bin/a", "--b=c d", "50%", "$HOME", 'say "x"'] };

  test("arguments reach the program literally", () =>
    expect(renderUnit(unit)).toContain('ExecStart=/bin/a "--b=c d" 50%% "$$HOME" "say \\"x\\""\n'));

  test("a service that always runs is restarted for ever", () => {
    const rendered = renderUnit({ ...unit, restart: "always", after: ["b.service"], version: "v1", delegate: true, killMode: "process" });
    for (const line of ["After=b.service", "Wants=b.service", "StartLimitIntervalSec=0", "Restart=always", "X-Peak-Version=v1", "Delegate=yes", "KillMode=process"]) {
      expect(rendered.split("\n")).toContain(line);
    }
  });

  test("a oneshot stays active", () => expect(renderUnit({ ...unit, type: "oneshot" })).toContain("RemainAfterExit=yes"));
});

/** Runs the script with a stand-in for systemctl and journalctl, and all absolute paths moved into a folder. */
describe("renderInstall", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "peak-setup-"));
    for (const path of ["bin", "var/lib"]) mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, "parameter"), "0\n");
    mkdirSync(join(root, "usr/sbin"), { recursive: true });
    writeFileSync(join(root, "packages"), "theirs installed\n");
    for (const tool of ["systemctl", "journalctl", "sysctl", "apt-get", "dpkg", "dpkg-query"]) {
      // server comes with base; each thing that happens once has a file.
      writeFileSync(join(root, "bin", tool), `#!/bin/sh
echo ${tool} "$@" >> ${root}/calls
once() { [ -e ${root}/$1 ] && rm ${root}/$1; }
case "${tool} $1 $2" in
  "apt-get -s "*) printf 'Inst base (1)\\nInst theirs [1] (2)\\nInst server (1)\\n' ;;
  "apt-get -qq install")
    if once busy; then echo "E: Could not get lock"; exit 100; fi
    echo "base installed" >> ${root}/packages
    if once killed; then echo "server half-configured" >> ${root}/packages; kill -9 $(cat ${root}/shell); exit; fi
    echo "server installed" >> ${root}/packages ;;
  "dpkg --purge "*)
    if once busy; then echo "dpkg: error: dpkg frontend lock was locked by another process"; exit 2; fi
    if once needed; then echo "dpkg: dependency problems prevent removal of base:"; sed -i /^server/d ${root}/packages; exit 1; fi
    if once broken; then echo "its script failed"; exit 1; fi
    shift 2; for name; do sed -i "/^$name /d" ${root}/packages; done ;;
  "dpkg-query --show "*) shift 2; for name; do grep "^$name " ${root}/packages; done; [ $# -gt 0 ] || cat ${root}/packages ;;
  "dpkg-query --listfiles "*) shift; for name; do echo /lib/systemd/system/$name.service; done ;;
esac
case "$1" in
  is-active) [ -e ${root}/running ] || exit 3 ;;
  -n) cat ${root}/parameter ;;
  restart) [ ! -e ${root}/killed ] || kill -9 $PPID; [ ! -e ${root}/broken ] ;;
esac
`);
      chmodSync(join(root, "bin", tool), 0o755);
    }
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const shell = (script: string) => {
    rmSync(join(root, "calls"), { force: true });
    const moved = `echo $$ > ${root}/shell\n${script}`.replaceAll(/(?<=['\s=$(])\/(etc|var|usr\/sbin)\//g, `${root}/$1/`).replaceAll(/'\/(etc|var)\//g, `'${root}/$1/`);
    const { status, stderr } = spawnSync("sh", ["-s"], { input: moved, encoding: "utf8", env: { PATH: `${root}/bin:${process.env["PATH"]}` } });
    const calls = existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").trim().split("\n") : [];
    return { status, stderr, calls };
  };
  const install = (setup: Partial<Setup>) =>
    shell(renderInstall({ ...{ name: "one", incarnation: "first", packages: [], files: [], directories: [], units: [], sysctls: {} }, ...setup } as Setup));
  const service: SetupUnit = { name: "a.service", description: "A", type: "exec", exec: ["/bin/true"] };
  const file = (content: string, path = "/etc/peak/f") => ({ path, content });

  test("any content arrives exactly, with its mode", () => {
    fc.assert(fc.property(text, fc.constantFrom(0o600, 0o644, 0o755), (content, mode) => {
      expect(install({ files: [{ ...file(content), mode }] })).toMatchObject({ status: 0, stderr: "" });
      expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe(content);
      expect(statSync(join(root, "etc/peak/f")).mode & 0o777).toBe(mode);
    }), { numRuns: 25 });
  });

  test("units start at first, rest while nothing changes, and restart when a file or their version does", () => {
    const setup = { files: [file("1")], units: [service] };
    expect(install(setup).calls).toContain("systemctl restart a.service");
    expect(install(setup).calls).not.toContain("systemctl restart a.service");
    expect(install({ ...setup, files: [file("2")] }).calls).toContain("systemctl restart a.service");
    expect(install({ ...setup, files: [file("2")], units: [{ ...service, version: "2" }] }).calls).toContain("systemctl restart a.service");
  });

  test("a change of one unit leaves its neighbour alone", () => {
    const neighbour = { ...service, name: "b.service" };
    install({ units: [service, neighbour] });
    const { calls } = install({ units: [{ ...service, version: "2" }, neighbour] });
    expect(calls).toContain("systemctl restart a.service");
    expect(calls).not.toContain("systemctl restart b.service");
  });

  test("what the set-up no longer has is removed", () => {
    install({ files: [file("1"), file("2", "/etc/peak/g")], units: [service] });
    expect(install({ files: [file("1")] }).calls).toContain("systemctl disable --now --quiet a.service");
    expect(existsSync(join(root, "etc/peak/g"))).toBe(false);
    expect(existsSync(join(root, "etc/systemd/system/a.service"))).toBe(false);
    expect(existsSync(join(root, "etc/peak/f"))).toBe(true);
  });

  test("a unit that does not start fails the set-up and is named; the next run tries again", () => {
    writeFileSync(join(root, "broken"), "");
    expect(install({ units: [service] })).toMatchObject({ status: 1, stderr: expect.stringContaining("a.service did not start:") });
    rmSync(join(root, "broken"));
    expect(install({ units: [service] }).status).toBe(0);
  });

  test("a run that is killed when the files are there leaves the restart to the next one", () => {
    const neighbour = { ...service, name: "b.service" };
    const units = [service, neighbour];
    install({ files: [file("1")], units });
    writeFileSync(join(root, "killed"), "");
    expect(install({ files: [file("2")], units }).status).toBe(null);
    rmSync(join(root, "killed"));
    const { calls } = install({ files: [file("2")], units });
    expect(calls).toEqual(expect.arrayContaining(["systemctl restart a.service", "systemctl restart b.service"]));
    expect(install({ files: [file("2")], units }).calls.join()).not.toContain("restart");
  });

  test("a check that never succeeds fails with its description and what the command said", () => {
    const check = { description: "the sky is green", command: "echo it is blue; false", seconds: 0 };
    expect(install({ check })).toMatchObject({ status: 1, stderr: expect.stringMatching(/after 0 s.*the sky is green: it is blue/) });
  });

  test("kernel parameters are written and loaded", () => {
    expect(install({ sysctls: { "net.ipv6.conf.all.forwarding": "1" } }).calls).toContain(`sysctl --quiet --load ${root}/etc/sysctl.d/60-one.conf`);
    expect(readFileSync(join(root, "etc/sysctl.d/60-one.conf"), "utf8")).toBe("net.ipv6.conf.all.forwarding = 1\n");
  });

  test("a directory keeps what others write into it, until the set-up has it no more", () => {
    const directory = join(root, "var/lib/peak/d");
    install({ directories: ["/var/lib/peak/d"] });
    writeFileSync(join(directory, "kept"), "");
    install({ directories: ["/var/lib/peak/d"] });
    expect(existsSync(join(directory, "kept"))).toBe(true);
    install({});
    expect(existsSync(directory)).toBe(false);
    install({ directories: ["/var/lib/peak/d"] });
    writeFileSync(join(directory, "kept"), "");
    shell(renderRemove("one"));
    expect(existsSync(directory)).toBe(false);
  });

  test("a directory with something of somebody else's is refused before anything is done, and stays as it is", () => {
    const setup = { files: [file("1")], directories: ["/var/lib/theirs", "/var/lib/peak"] };
    mkdirSync(join(root, "var/lib/theirs"));
    writeFileSync(join(root, "var/lib/theirs/data"), "");
    expect(install(setup)).toMatchObject({ status: 1, stderr: expect.stringMatching(/var\/lib\/theirs has something in it that is not of this stack/) });
    shell(renderRemove("one"));
    expect(existsSync(join(root, "var/lib/theirs/data"))).toBe(true);
    for (const path of ["etc", "var/lib/peak", "var/lib/peak-setups"]) expect(existsSync(join(root, path)), path).toBe(false);
    rmSync(join(root, "var/lib/theirs/data"));
    expect(install(setup).status).toBe(0);
    // What another set-up has made is the stack's.
    writeFileSync(join(root, "var/lib/peak/data"), "");
    expect(install({ ...setup, name: "two", directories: ["/var/lib/peak"] }).status).toBe(0);
  });

  test("what cannot be removed yet fails the installation, until it can", () => {
    install({ files: [file("1")], units: [service] });
    writeFileSync(join(root, "running"), "");
    for (let time = 0; time < 2; time++) {
      expect(install({ files: [file("2")] })).toMatchObject({ status: 1, stderr: "a.service does not stop\n" });
      expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe("2");
    }
    rmSync(join(root, "running"));
    expect(install({ files: [file("2")] }).status).toBe(0);
    expect(install({ files: [file("2")] }).calls.join()).not.toContain("a.service");
  });

  describe("packages", () => {
    const packages = ["server"];
    const there = () => readFileSync(join(root, "packages"), "utf8").trim().split("\n");
    const policy = () => existsSync(join(root, "usr/sbin/policy-rc.d"));
    const once = (name: string) => writeFileSync(join(root, name), "");

    test.each(["and then removed", "and then done again, and removed"])("those of an installation that was killed, %s, go with the set-up", (how) => {
      once("killed");
      expect(install({ packages }).status).toBe(null);
      expect([there(), policy()]).toEqual([["theirs installed", "base installed", "server half-configured"], true]);
      if (how.includes("again")) {
        expect(install({ packages })).toMatchObject({ status: 0, calls: expect.arrayContaining(["systemctl disable --quiet base.service"]) });
        expect(policy()).toBe(false);
      }
      expect(shell(renderRemove("one"))).toMatchObject({ status: 0, stderr: "" });
      expect([there(), policy()]).toEqual([["theirs installed"], false]);
    });

    test("a policy of somebody else's for services stays", () => {
      writeFileSync(join(root, "usr/sbin/policy-rc.d"), "theirs");
      expect(install({ packages }).status).toBe(0);
      expect(policy()).toBe(true);
    });

    test("whoever else uses apt or dpkg is waited for", () => {
      once("busy");
      expect(install({ packages }).status).toBe(0);
      once("busy");
      expect(shell(renderRemove("one"))).toMatchObject({ status: 0, stderr: "" });
      expect(there()).toEqual(["theirs installed"]);
    });

    test("what cannot be removed fails the removal, which may be tried again; what somebody else needs stays", () => {
      install({ packages });
      once("broken");
      expect(shell(renderRemove("one"))).toMatchObject({ status: 1, stderr: "cannot remove base server: its script failed\n" });
      once("needed");
      expect(shell(renderRemove("one"))).toMatchObject({ status: 0, stderr: "" });
      expect(there()).toEqual(["theirs installed", "base installed"]);
    });
  });

  test("removal takes everything away, and is no error when repeated", () => {
    install({ files: [file("1")], units: [service] });
    expect(shell(renderRemove("one"))).toMatchObject({ status: 0, calls: expect.arrayContaining(["systemctl disable --now --quiet a.service"]) });
    // Directories that were made for it included.
    for (const path of ["etc", "var/lib/peak-setups"]) expect(existsSync(join(root, path)), path).toBe(false);
    expect(shell(renderRemove("one")).status).toBe(0);
  });

  test("removal does what was installed, at whatever point an earlier one was cut short", () => {
    const setup = { files: [file("1"), file("2", "/etc/peak/g")], directories: ["/var/lib/peak/d"], units: [service], undo: `echo undone >> ${root}/calls` };
    for (const gone of ["etc/peak/g", "etc/systemd/system/a.service", "var/lib/peak/d", "etc"]) {
      install(setup);
      rmSync(join(root, gone), { recursive: true });
      expect(shell(renderRemove("one"))).toMatchObject({ status: 0, calls: expect.arrayContaining(["undone"]) });
      expect(existsSync(join(root, "var/lib/peak-setups"))).toBe(false);
      for (const path of ["etc/peak/f", "etc/peak/g", "var/lib/peak"]) expect(existsSync(join(root, path)), path).toBe(false);
      rmSync(join(root, "etc"), { recursive: true, force: true });
    }
  });

  test("what cannot be undone fails the removal, which goes on where it can, and may be tried again", () => {
    install({ files: [file("1")], undo: `[ ! -e ${root}/broken ]` });
    writeFileSync(join(root, "broken"), "");
    expect(shell(renderRemove("one"))).toMatchObject({ status: 1, stderr: "not all could be undone\n" });
    expect(existsSync(join(root, "etc/peak/f"))).toBe(false);
    rmSync(join(root, "broken"));
    expect(shell(renderRemove("one")).status).toBe(0);
    expect(existsSync(join(root, "var/lib/peak-setups"))).toBe(false);
  });

  test("a file that was there before comes back, with its mode, as it was; one of an earlier version of the set-up does not", () => {
    mkdirSync(join(root, "etc/peak"), { recursive: true });
    writeFileSync(join(root, "etc/peak/f"), "theirs", { mode: 0o640 });
    symlinkSync("nowhere", join(root, "etc/peak/g"));
    for (const content of ["1", "2"]) install({ files: [file(content), file(content, "/etc/peak/g")] });
    expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe("2");
    install({ files: [file("3", "/etc/peak/g")] });
    expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe("theirs");
    expect(statSync(join(root, "etc/peak/f")).mode & 0o777).toBe(0o640);
    shell(renderRemove("one"));
    expect(readlinkSync(join(root, "etc/peak/g"))).toBe("nowhere");
  });

  test("what another set-up of the host has taken over stays: a set-up can be renamed while its units run", () => {
    const setup = { files: [file("1")], directories: ["/var/lib/peak/d"], units: [service], undo: `echo undone >> ${root}/calls` };
    mkdirSync(join(root, "etc/peak"), { recursive: true });
    writeFileSync(join(root, "etc/peak/f"), "theirs");
    install(setup);
    writeFileSync(join(root, "var/lib/peak/d/kept"), "");
    install({ ...setup, name: "two" });
    const { status, calls } = shell(renderRemove("one"));
    expect(status).toBe(0);
    expect(calls).not.toContain("undone");
    expect(calls).not.toContain("systemctl disable --now --quiet a.service");
    for (const path of ["etc/peak/f", "etc/systemd/system/a.service", "var/lib/peak/d/kept"]) expect(existsSync(join(root, path)), path).toBe(true);
    expect(shell(renderRemove("two"))).toMatchObject({ status: 0, calls: expect.arrayContaining(["undone", "systemctl disable --now --quiet a.service"]) });
    expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe("theirs");
    for (const path of ["etc/systemd", "var/lib/peak", "var/lib/peak-setups"]) expect(existsSync(join(root, path)), path).toBe(false);
  });

  test("kernel parameters are put back to what they were before the first time", () => {
    const sysctls = { "kernel.one": "1", "kernel.two": "1" };
    install({ sysctls });
    writeFileSync(join(root, "parameter"), "1\n");
    expect(install({ sysctls }).calls).not.toContain("sysctl --quiet --write kernel.one=0");
    expect(install({ sysctls: { "kernel.two": "1" } }).calls).toContain("sysctl --quiet --write kernel.one=0");
    expect(shell(renderRemove("one")).calls).toContain("sysctl --quiet --write kernel.two=0");
  });

  test("another disk is another script, which does the same", () => {
    const one = { name: "one", packages: [], files: [file("1")], directories: [], units: [], sysctls: {} };
    expect(renderInstall({ ...one, incarnation: "first" })).not.toBe(renderInstall({ ...one, incarnation: "second" }));
    install({ incarnation: "second", files: [file("1")] });
    expect(readFileSync(join(root, "etc/peak/f"), "utf8")).toBe("1");
  });
});
