// Set-ups on a real machine: a virtual Pi, whose systemd, kernel and dpkg are real.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { difference, snapshotScript } from "../../test/host-snapshot.ts";
import { Machine } from "../../test/machine.ts";
import { renderInstall, renderRemove, type Setup, type SetupUnit } from "./setup-script.ts";

let machine: Machine;
const ssh = (script: string) => machine.ssh(script);
const look = () => ssh(snapshotScript).stdout;
const lines = () => look().trim().split("\n");
const ok = { status: 0, stderr: "" };
const setup = (parts: Partial<Setup>) => ({ name: "one", incarnation: "first", packages: [], files: [], directories: [], units: [], sysctls: {}, ...parts }) as Setup;

beforeAll(() => {
  machine = new Machine("peaksetup", "fd7e:ea4c:0:fe");
}, 600_000);
afterAll(() => machine?.[Symbol.dispose](), 60_000);

describe("what a set-up brought is gone after its removal, and nothing else", { timeout: 300_000 }, () => {
  const service: SetupUnit = { name: "trial.service", description: "A trial", type: "exec", exec: ["/bin/sh", "-c", "mkdir -p /var/lib/trial/data && exec sleep infinity"], restart: "always" };
  const network: SetupUnit = { name: "trial-network.service", description: "A trial", type: "oneshot", exec: ["/etc/trial/network"] };
  const whole = setup({
    files: [
      { path: "/etc/trial/network", content: "#!/bin/sh\nip -6 route replace fd00:9::/64 dev eth0 proto 112\nip link show dev trial0 >/dev/null 2>&1 || ip link add name trial0 type bridge\n", mode: 0o755 },
      { path: "/etc/hosts", content: "::1 trial\n" },
    ],
    directories: ["/var/lib/trial", "/var/lib/etcd"],
    units: [service, network],
    sysctls: { "net.ipv6.conf.all.forwarding": "1", "kernel.panic": "7" },
    undo: "ip -6 route flush proto 112\nif ip link show dev trial0 > /dev/null 2>&1; then ip link delete trial0; fi\n",
  });

  test("files, units, directories, mounts, routes, links and kernel parameters", () => {
    const before = look();
    for (let time = 0; time < 2; time++) expect(ssh(renderInstall(whole))).toMatchObject(ok);
    // A mount point stays, what is in it goes; so does what is mounted below.
    expect(ssh("set -e; mkdir -p /var/lib/trial/mounted /var/lib/etcd/member; mount -t tmpfs tmpfs /var/lib/trial/mounted; touch /var/lib/trial/mounted/file")).toMatchObject(ok);
    const during = lines();
    for (const line of ["sysctl kernel.panic = 7", "enabled trial.service", "service trial.service running", "link trial0:", "mount /var/lib/trial/mounted"]) {
      expect(during).toContain(line);
    }
    expect(during.join("\n")).toMatch(/^route fd00:9::\/64 dev eth0 proto 112/m);
    expect(ssh(renderRemove("one"))).toMatchObject(ok);
    expect(difference(before, look())).toEqual([]);
    expect(ssh(renderRemove("one"))).toMatchObject(ok);
  });

  test("after a removal that was killed at its start, and after one of which the half was done by hand", () => {
    const before = look();
    expect(ssh(renderInstall(whole))).toMatchObject(ok);
    expect(ssh(`set -e; systemctl disable --quiet --now trial.service; rm /etc/trial/network; ip link delete trial0; rm -r /var/lib/trial`)).toMatchObject(ok);
    expect(ssh(renderRemove("one"))).toMatchObject(ok);
    expect(difference(before, look())).toEqual([]);
  });

  test("packages: what was installed for it, with what that needs; not what another set-up, or somebody else, needs as well", () => {
    const control = (name: string, depends: string) => `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: trial\nDescription: trial\n${depends && `Depends: ${depends}\n`}`;
    const make = [["trial-base", ""], ["trial-server", "trial-base"], ["trial-theirs", "trial-base"], ["trial-other", ""]].map(([name, depends]) => `
      mkdir -p /srv/debs/${name}/DEBIAN /srv/debs/${name}/lib/systemd/system
      printf '%s' '${control(name!, depends!)}' > /srv/debs/${name}/DEBIAN/control
      printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > /srv/debs/${name}/lib/systemd/system/${name}.service
      printf '#!/bin/sh\\nsystemctl enable --quiet ${name}.service\\ninvoke-rc.d ${name} start || :\\n' > /srv/debs/${name}/DEBIAN/postinst
      chmod 755 /srv/debs/${name}/DEBIAN/postinst
      dpkg-deb --build /srv/debs/${name} /srv/debs > /dev/null`).join("\n");
    expect(ssh(`set -e\n${make}
      cd /srv/debs
      for deb in *.deb; do dpkg-deb --field $deb; printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' $deb $(stat -c %s $deb) $(sha256sum $deb | cut -d ' ' -f 1); done > Packages
      rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/debs ./' > /etc/apt/sources.list`)).toMatchObject({ status: 0 });
    const before = look();
    const one = setup({ packages: ["trial-server", "trial-other"] });
    expect(ssh(renderInstall(one))).toMatchObject({ status: 0 });
    const during = lines();
    for (const name of ["trial-base", "trial-server", "trial-other"]) expect(during).toContain(`package ${name} installed`);
    expect(during.filter((line) => /^(enabled|service) trial/.test(line))).toEqual([]);

    const two = setup({ name: "two", packages: ["trial-server"] });
    expect(ssh(renderInstall(two))).toMatchObject({ status: 0 });
    expect(ssh(renderRemove("one"))).toMatchObject({ status: 0 });
    expect(lines().filter((line) => /^package trial/.test(line))).toEqual(["package trial-base installed", "package trial-server installed"]);
    expect(ssh(renderRemove("two"))).toMatchObject({ status: 0 });
    expect(difference(before, look())).toEqual([]);

    expect(ssh(renderInstall(one))).toMatchObject({ status: 0 });
    expect(ssh("apt-get -qq install trial-theirs < /dev/null > /dev/null 2>&1; systemctl disable --quiet trial-theirs")).toMatchObject({ status: 0 });
    expect(ssh(renderRemove("one"))).toMatchObject({ status: 0 });
    expect(lines().filter((line) => /^package trial/.test(line))).toEqual(["package trial-base installed", "package trial-theirs installed"]);
  });
});
