// Boards that outlive the stack: virtual Pis that the test starts by itself, and gives to the stack as boards. The tests build on one another.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { difference } from "../host-snapshot.ts";
import { Boards } from "./boards.ts";
import { eventually } from "./wait.ts";

const names = ["board1", "board2", "board3", "client1"] as const;
let boards: Boards;
let bare: Map<string, string>;

beforeAll(() => {
  boards = new Boards([
    { name: "board1", number: 1, role: "steering" },
    { name: "board2", number: 2, role: "service" },
    { name: "board3", number: 3, role: "service" },
    { name: "client1", number: 11, role: "client" },
  ]);
});
afterAll(async () => {
  await boards?.[Symbol.asyncDispose]();
});

/** Runs `up`, which is to succeed. @returns what it said */
async function up(): Promise<string> {
  const { code, stderr } = await boards.up();
  expect(code).toBe(0);
  return stderr;
}

/** The label and the taints of a node. */
const roleOf = (node: string) => boards.kubectl("get", "node", node, "-o", "jsonpath={.metadata.labels.peak/role} {.spec.taints[*].value}");

/** What the test itself has changed: a new disk has another machine id, and a board that was off another number of its link. */
const ours = /^[-+] (link eth0@if\d+:|content \w+ {2}\/etc\/machine-id)$/;

/** What there is on the boards that was not there before the stack, by their names; nothing for those that are as they were. */
function left(): Record<string, string[]> {
  const now = boards.snapshots();
  const changes = names.map((name) => [name, difference(bare.get(name)!, now.get(name)!).filter((line) => !ours.test(line))] as const);
  return Object.fromEntries(changes.filter(([, lines]) => lines.length > 0));
}

describe("from bare boards to a cluster", () => {
  test("boards that are not there are named, all at once; what goes onto their media is made all the same", async () => {
    const { code, stderr } = await boards.up();
    expect(code).toBe(1);
    expect(stderr).toContain("4 of 4 hosts do not answer: board1");
    boards.plugIn();
    await boards.takeKeys();
    for (const name of names) boards.switchOn(name);
    bare = boards.snapshots();
  });

  test("with them, up makes a cluster, and a second one changes nothing", async () => {
    await up();
    await boards.namedPods(4);
    expect(await up()).toMatch(/^up: \d+ unchanged$/m);
    expect(Object.keys(left())).toEqual([...names]);
  });

  test("the client board resolves the name and reaches a pod, as a client alone", async () => {
    const pods = (await boards.namedPods(4)).map(({ name }) => name);
    expect(pods).toContain((JSON.parse(await boards.onClient("curl", "-s", "--max-time", "5", "http://echo.peak/")) as { pod: string }).pod);
    expect(boards.on("client1", "getent hosts echo.peak || echo nobody")).toBe("nobody\n");
    expect(await boards.output("ssh", "client1", "hostname")).toBe("client1\n");
  });
});

describe("boards that fail", () => {
  const firewall = (name: string) => boards.on(name, "head -n 1 /etc/peak/firewall.nft");

  test("one that is down is named, and the others, and the cluster, go on", async () => {
    boards.killNode("board3");
    boards.edit("components/network/node-network.ts", (content) => content.replace("return `table inet peak", "return `# another edition\ntable inet peak"));
    boards.edit("Pulumi.pi-testbed.yaml", (content) => content.replace(/(peak:echoReplicas:).*/, "$1 3"));
    const { code, stderr } = await boards.up();
    expect(code).toBe(1);
    expect(stderr).toContain("1 of 4 hosts do not answer: board3");
    expect(stderr).toMatch(/board3 \(fd7e:ea4c:0:b0a4:3::1\) does not answer: .*Switch it on/);
    for (const name of ["board1", "board2"]) expect(firewall(name)).toBe("# another edition\n");
    expect(await boards.kubectl("get", "deployment", "-n", "echo", "echo", "-o", "jsonpath={.spec.replicas}")).toBe("3");
    expect(await boards.kubectl("get", "secrets", "-n", "peakdns", "-o", "name")).toContain("peakdns-cluster-board2");
  });

  test("when it is back, up completes", async () => {
    boards.switchOn("board3");
    boards.edit("Pulumi.pi-testbed.yaml", (content) => content.replace(/(peak:echoReplicas:).*/, "$1 4"));
    await up();
    expect(firewall("board3")).toBe("# another edition\n");
    await boards.namedPods(4);
  });

  test("one that was flashed anew is set up again, and it alone", async () => {
    boards.flash("board2");
    expect(await up()).not.toMatch(/(replaced|created|deleted)/);
    await boards.namedPods(4);
    expect(await boards.kubectl("get", "nodes", "-o", "name")).toBe("node/board1\nnode/board2\nnode/board3\n");
  });

  test("so is a dead client that was forgotten, as long as the inventory has it", async () => {
    const refused = await boards.start("forget", "client1", "--yes").ended;
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("client1 is alive")]);
    boards.killNode("client1");
    await eventually("it does not answer", 30, async () => ((await boards.start("forget", "client1", "--yes").ended).code === 0 ? true : undefined));
    expect((await boards.start("client", "--", "true").ended).code).toBe(2);
    boards.switchOn("client1");
    await up();
    await boards.namedPods(4);
  });

  test("of the control plane, the cluster is made again, empty but for what the stack has in it", async () => {
    await boards.kubectl("create", "namespace", "former");
    boards.flash("board1");
    await up();
    await boards.namedPods(4);
    expect(await boards.kubectl("get", "namespaces", "-o", "name")).not.toContain("former");
    expect(await up()).toMatch(/^up: \d+ unchanged/m);
  });
});

describe("roles that move", () => {
  test("from a node to a client and back: what each had for its role is gone, and its node with it", async () => {
    boards.assign({ board3: "client", client1: "service" });
    await up();
    expect(await boards.kubectl("get", "nodes", "-o", "name")).toBe("node/board1\nnode/board2\nnode/client1\n");
    expect(boards.on("board3", "ls -A /etc/peak /var/lib/kubelet /var/lib/containerd")).toBe("/etc/peak:\nclient\n\n/var/lib/containerd:\n\n/var/lib/kubelet:\n");
    expect(boards.on("client1", "ls /etc/peak")).not.toContain("client");
    // What was taken back is not what the new role has.
    for (const name of ["board3", "client1"]) expect(boards.on(name, "ip -6 route show")).toContain("fd7e:ea4c:0:b0a4:2::/80 via fd7e:ea4c:0:b0a4:2::1");
    await boards.namedPods(4);
  });

  test("the control plane's moves when what it holds is let go of, and leaves nothing on the host that had it", async () => {
    boards.assign({ board1: "service", board2: "steering" });
    const { code, stderr } = await boards.up();
    expect(code).toBe(1);
    expect(stderr).toContain("protect");
    expect(boards.on("board2", "ls /etc/peak")).not.toMatch(/etcd|kubernetes|registry/);
    await boards.namedPods(4);
    await boards.output("pulumi", "state", "unprotect", "--all", "--yes");
    await up();
    expect([await roleOf("board1"), await roleOf("board2")]).toEqual(["service ", "steering steering"]);
    expect(boards.on("board1", "ls -A /etc/peak /var/lib/etcd")).not.toMatch(/etcd\n|kubernetes|registry|resolver|member/);
    await boards.namedPods(4);
  });
});

describe("to bare boards", () => {
  test("destroy leaves the boards as they were: their files, and the state of their kernels", async () => {
    expect((await boards.destroy()).code).toBe(0);
    expect(left()).toEqual({});
  });

  test("boards that do not know the keys of another stack are named", async () => {
    const { code, stderr } = await boards.up();
    expect(code).toBe(1);
    for (const name of names) expect(stderr).toMatch(new RegExp(`${name} cannot be looked at: .*cannot log in`));
  });

  test("with these on the same disks, up makes another cluster: nothing of the former one is back", async () => {
    await boards.takeKeys();
    for (const name of names) {
      await boards.switchOff(name);
      boards.switchOn(name);
    }
    bare = boards.snapshots();
    await up();
    await boards.namedPods(4);
    expect(await boards.kubectl("get", "namespaces", "-o", "name")).not.toContain("former");
    expect((await boards.destroy()).code).toBe(0);
    expect(left()).toEqual({});
  });
});
