import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientSpec, NetworkSpec, PiSpec } from "./spec.ts";
import { expectedMachineId, expectedStart, isRunning } from "./state.ts";
import type { Listing } from "./sweep.ts";
import { layout } from "./layout.ts";

// Beside a local stack that may be running: other names, other prefixes.
const env = { ...process.env, PEAK_LOCAL_NAME: "peaktest" };
const names = layout(env);
const [ula, global] = ["fd7e:ea4c:0:ff", "2001:db8:7ea:ff"];
const routes = [{ via: `${ula}:1::1`, prefixes: [`${ula}:1::/80`, `${global}:1::/80`] }];
const network: NetworkSpec = {
  prefixes: [`${ula}::/64`, `${global}::/64`],
  router: [`${ula}:ffff::1`, `${global}:ffff::1`],
  host: `${ula}:fffe::1`,
  routes,
};
const client: ClientSpec = {
  name: "client1",
  addresses: [`${ula}:65::1`, `${global}:65::1`],
  gateway: `${ula}:ffff::1`,
  routes,
  resolver: `server:
  chroot: ""
  username: ""
  interface: ::1@53
  do-ip4: no
  module-config: "iterator"
  local-zone: "." refuse
  local-zone: "peak." transparent
stub-zone:
  name: "peak."
  stub-addr: ${ula}:1::1
`,
};
let pi: PiSpec;
let scratch: string;

/** Runs a verb; resolves to what it printed, rejects with what it said. */
function verb<T>(words: string, spec: object = {}, more: Record<string, string> = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const args = [join(import.meta.dirname, "main.ts"), ...words.split(" ")];
    const child = execFile(process.execPath, args, { env: { ...env, ...more } }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(JSON.parse(stdout) as T));
    child.stdin!.end(JSON.stringify(spec));
  });
}

function ssh(script: string): string {
  const options = ["BatchMode=yes", "ConnectTimeout=10", "StrictHostKeyChecking=yes", `UserKnownHostsFile=${scratch}/known_hosts`];
  const args = ["-i", `${scratch}/operator`, ...options.flatMap((option) => ["-o", option]), `root@${ula}:1::1`, "sh -s"];
  return execFileSync("ssh", args, { input: script, encoding: "utf8" }).trim();
}

interface Up {
  name: string;
  /** Another one after each start. */
  id: string;
}
/** Brings a unit up as an update does: with what the program says of it beforehand. */
const update = (words: string, spec: object, unit: string) =>
  verb<Up>(words, spec, { PEAK_START: expectedStart(unit, names), PEAK_MACHINE_ID: expectedMachineId(unit, names) });

const inClient = (...command: string[]) => execFileSync("ip", ["netns", "exec", "peaktest-client1", ...command], { encoding: "utf8" });
const nspawn = async () =>
  (await verb<Listing>("list")).processes.find(({ command }) => command.startsWith("systemd-nspawn"))!.pid;
const nothing: Listing = { processes: [], namespaces: [], links: [], routes: [], mounts: [], cgroups: [], directories: [] };
/** Of the machine, without those of links, ours and others', that may come and go meanwhile. */
const hostSettings = () =>
  execFileSync("sysctl", ["-a", "--pattern", "overcommit|panic|(all|default).(forwarding|accept_ra)$"], { encoding: "utf8" });

let settings: string;
beforeAll(async () => {
  await verb("sweep");
  settings = hostSettings();
  scratch = mkdtempSync(join(tmpdir(), "peak-virtual-"));
  for (const key of ["operator", "host"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", join(scratch, key)]);
  }
  const read = (file: string) => readFileSync(join(scratch, file), "utf8");
  pi = {
    name: "pi1",
    addresses: [`${ula}:1::1`, `${global}:1::1`],
    gateway: `${ula}:ffff::1`,
    authorizedKeys: [read("operator.pub").trim()],
    hostKeys: [{ private: read("host"), public: read("host.pub").trim() }],
  };
  writeFileSync(join(scratch, "known_hosts"), `${ula}:1::1 ${pi.hostKeys[0]!.public}\n`);
  await verb("host-packages");
  await verb("rootfs");
}, 600_000);

afterAll(async () => {
  await verb("sweep");
  rmSync(scratch, { recursive: true, force: true });
}, 60_000);

describe("a switch, a virtual Pi and a client emulator", { timeout: 120_000 }, () => {
  test("a host needs the switch", async () => {
    await expect(verb("pi up", pi)).rejects.toThrow("pi1: the switch that it is plugged into is not up");
  });

  test("come up, and stay as they are the second time", async () => {
    const all = async () => [await update("network up", network, "switch"), await update("pi up", pi, "pi1"), await update("client up", client, "client1")];
    const first = await all();
    expect(first.map(({ name }) => name)).toEqual(["switch", "pi1", "client1"]);
    const starts = first.map(({ name }) => expectedStart(name, names));
    expect(await all()).toEqual(first);
    expect(first.map(({ name }) => expectedStart(name, names))).toEqual(starts);
  });

  test("SSH answers with the given host key; systemd has no failed unit", () => {
    expect(ssh("hostname; systemctl is-system-running --wait")).toBe("pi1\nrunning");
  });

  test("what kubelet and containerd need is there", () => {
    expect(ssh(`set -e
      cat /proc/self/cgroup | grep -v -e 'ssh.service' -e ':/$' || :
      for controller in memory cpu pids; do
        [ -d /sys/fs/cgroup/$controller ] && dir=/sys/fs/cgroup/$controller/trial || dir=/sys/fs/cgroup/trial
        mkdir $dir; rmdir $dir
      done
      echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
      echo 20 > /proc/sys/kernel/panic
      echo peak > /dev/kmsg
      [ -c /dev/net/tun ]
      awk '$5 == "/" && /shared:/ { print "shared" }' /proc/self/mountinfo
      for data in containerd kubelet etcd; do stat -f -c %T /var/lib/$data; done | sort -u | grep -c overlay || :
      mkdir -p /var/lib/containerd/o/l /var/lib/containerd/o/u /var/lib/containerd/o/w /var/lib/containerd/o/m
      cd /var/lib/containerd/o; mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m; umount m`)).toBe("shared\n0");
  });

  test("the host's kernel settings are as they were", () => expect(hostSettings()).toEqual(settings));

  test("the client reaches the node in both scopes, from its address in the same scope", () => {
    for (const scope of [ula, global]) {
      expect(inClient("ip", "-6", "route", "get", `${scope}:1:1::10`)).toContain(`via ${ula}:1::1 dev eth0 src ${scope}:65::1`);
      expect(inClient("ssh-keyscan", "-t", "ed25519", `${scope}:1::1`)).toContain(pi.hostKeys[0]!.public.split(" ")[1]);
    }
  });

  test("the client's resolver starts at the given server, and refuses other names", () => {
    ssh(`cat > /root/trial.conf <<END
server:
  chroot: ""
  username: ""
  interface: ${ula}:1::1
  access-control: ::/0 allow
  module-config: "iterator"
  local-zone: "peak." static
  local-data: "echo.peak. 1 IN AAAA ${global}:1:1::10"
END
      systemd-run --quiet unbound -d -c /root/trial.conf`);
    expect(inClient("dig", "+short", "echo.peak", "AAAA").trim()).toBe(`${global}:1:1:0:10`);
    expect(inClient("dig", "example.org", "AAAA")).toContain("status: REFUSED");
  });

  test("a node whose container was killed comes back with its data", async () => {
    ssh("echo kept > /etc/kept; echo kept > /var/lib/etcd/kept; cp /etc/machine-id /etc/kept-id; sync");
    process.kill(await nspawn(), "SIGKILL");
    await expect.poll(() => isRunning(names, "pi1")).toBe(false);
    await update("pi up", pi, "pi1");
    expect(ssh("cat /etc/kept /var/lib/etcd/kept; cmp /etc/machine-id /etc/kept-id")).toBe("kept\nkept");
  });

  test("everything is started once more when the switch was lost", async () => {
    execFileSync("ip", ["netns", "del", "peaktest-switch"]);
    expect(["switch", "pi1", "client1"].map((unit) => isRunning(names, unit))).toEqual([false, false, false]);
    await update("network up", network, "switch");
    await Promise.all([update("pi up", pi, "pi1"), update("client up", client, "client1")]);
    expect(ssh("cat /etc/kept")).toBe("kept");
  });

  test("a further node is routed to without a start", async () => {
    const more = [...routes, { via: `${ula}:2::1`, prefixes: [`${ula}:2::/80`] }];
    const [before, node] = [await verb<Up>("network up", network), expectedStart("pi1", names)];
    expect(await update("network up", { ...network, routes: more }, "switch")).toEqual(before);
    expect(execFileSync("ip", ["-n", "peaktest-switch", "-6", "route"], { encoding: "utf8" })).toContain(`${ula}:2::/80 via ${ula}:2::1`);
    expect(expectedStart("pi1", names)).toBe(node);
    const running = await verb<Up>("client up", client);
    expect(await update("client up", { ...client, routes: more }, "client1")).toEqual(running);
    expect(inClient("ip", "-6", "route")).toContain(`${ula}:2::/80 via ${ula}:2::1`);
    // While a node is being removed, its pods serve on.
    expect(await update("client up", client, "client1")).toEqual(running);
    expect(inClient("ip", "-6", "route")).toContain(`${ula}:2::/80 via ${ula}:2::1`);
  });

  test("one that is started from something else, while it runs, is called what the update called it: the next one changes nothing", async () => {
    const before = await verb<Up>("pi up", pi);
    const [called, other] = [expectedStart("pi1", names), { ...pi, gateway: `${ula}:fffe::1` }];
    expect(await update("pi up", other, "pi1")).not.toEqual(before);
    expect(expectedStart("pi1", names)).toBe(called);
    await update("pi up", pi, "pi1");
  });

  test("a node whose disk is lost while it runs gets another one, with the machine id that the program had said", async () => {
    const [id, start] = [expectedMachineId("pi1", names), expectedStart("pi1", names)];
    expect(ssh("cat /etc/machine-id")).toBe(id);
    rmSync(join(names.state, "units/pi1"), { recursive: true, force: true });
    const next = expectedMachineId("pi1", names);
    expect([next, expectedStart("pi1", names)]).not.toEqual(expect.arrayContaining([id, start]));
    await verb("pi up", pi, { PEAK_START: "again", PEAK_MACHINE_ID: next });
    expect(ssh("cat /etc/machine-id; [ ! -e /etc/kept ]")).toBe(next);
    expect([expectedMachineId("pi1", names), expectedStart("pi1", names)]).toEqual([next, "again"]);
  });

  test("when the directory with all states is lost, everything is started once more", async () => {
    rmSync(join(names.state, "units"), { recursive: true, force: true });
    await update("network up", network, "switch");
    await Promise.all([update("pi up", pi, "pi1"), update("client up", client, "client1")]);
    expect(ssh("hostname")).toBe("pi1");
  });

  test("two at once do it once", async () => {
    process.kill(await nspawn(), "SIGKILL");
    const [one, other] = await Promise.all([update("pi up", pi, "pi1"), update("pi up", pi, "pi1")]);
    expect(one).toEqual(other);
  });

  test("another clone is refused, unless it is gone", async () => {
    const owner = join(names.state, "owner");
    const mine = readFileSync(owner, "utf8");
    writeFileSync(owner, scratch);
    await expect(verb("pi up", pi)).rejects.toThrow(`runs the local stack of ${scratch}`);
    await expect(verb("sweep")).rejects.toThrow(`runs the local stack of ${scratch}`);
    writeFileSync(owner, "/nowhere/peak");
    await verb("pi up", pi);
    expect(readFileSync(owner, "utf8")).toBe(mine);
  });

  test("another stack with the same prefixes is refused", async () => {
    try {
      await expect(verb("network up", network, { PEAK_LOCAL_NAME: "peakother" })).rejects.toThrow(`this host has a route to ${ula}::/64 already`);
    } finally {
      expect(await verb("sweep", {}, { PEAK_LOCAL_NAME: "peakother" })).toEqual(nothing);
    }
  });

  test("going down leaves no process, namespace or disk", async () => {
    await verb("client down", { name: "client1" });
    await verb("pi down", { name: "pi1" });
    await verb("pi down", { name: "pi1" });
    expect(await verb("list")).toMatchObject({ processes: [], namespaces: ["peaktest-switch"], mounts: [] });
    expect(existsSync(join(names.state, "units/pi1"))).toBe(false);
    await verb("network down");
    expect(await verb("list")).toMatchObject({ namespaces: [], links: [], routes: [] });
  });

  test("a sweep leaves nothing, with everything up and its manager dead", async () => {
    await verb("network up", network);
    await Promise.all([verb("pi up", pi), verb("client up", client)]);
    process.kill(await nspawn(), "SIGKILL");
    expect(await verb("sweep")).toEqual(nothing);
    expect(await verb("list")).toEqual(nothing);
    expect(hostSettings()).toEqual(settings);
  });
});
