import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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
    mkdirSync(join(root, "bin"));
    for (const tool of ["systemctl", "journalctl", "sysctl"]) {
      writeFileSync(join(root, "bin", tool), `#!/bin/sh\necho ${tool} "$@" >> ${root}/calls\n[ ! -e ${root}/broken ] || [ "$1" != restart ]\n`);
      chmodSync(join(root, "bin", tool), 0o755);
    }
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const shell = (script: string) => {
    rmSync(join(root, "calls"), { force: true });
    const moved = script.replaceAll(/(?<=['\s=$(])\/(etc|var)\//g, `${root}/$1/`).replaceAll(/'\/(etc|var)\//g, `'${root}/$1/`);
    const { status, stderr } = spawnSync("sh", ["-s"], { input: moved, encoding: "utf8", env: { PATH: `${root}/bin:${process.env["PATH"]}` } });
    const calls = existsSync(join(root, "calls")) ? readFileSync(join(root, "calls"), "utf8").trim().split("\n") : [];
    return { status, stderr, calls };
  };
  const install = (setup: Partial<Setup>) => shell(renderInstall({ name: "one", packages: [], files: [], directories: [], units: [], sysctls: {}, ...setup }));
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

  test("removal takes everything away, and is no error when repeated", () => {
    install({ files: [file("1")], units: [service] });
    expect(shell(renderRemove("one"))).toMatchObject({ status: 0, calls: expect.arrayContaining(["systemctl disable --now --quiet a.service"]) });
    for (const path of ["etc/peak/f", "etc/systemd/system/a.service", "var/lib/peak-setups/one"]) expect(existsSync(join(root, path))).toBe(false);
    expect(shell(renderRemove("one")).status).toBe(0);
  });
});
