import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Operation } from "../shared/provider.ts";
import { copyToRemote } from "./copy.ts";
import * as schema from "./schema.ts";
import { runRemote } from "./ssh.ts";
import { freePort, SSHD, sshdInstalled, startSshd, type Sshd } from "./sshd.ts";

const TIMEOUT_MS = 60_000;

let stock: Sshd;
let dir: string;

const never: Operation = { signal: new AbortController().signal, progress: () => {} };

// What the engine would send after the check.
function command(inputs: object, connection: object = stock.connection): Parameters<typeof runRemote> {
  const parsed = schema.remoteCommand.parse({ connection, ...inputs });
  return [parsed.create ?? "", parsed.connection, parsed, {}, never];
}

/** Processes of a group, but for those that have ended and that nobody has waited for yet. */
async function aliveIn(group: number): Promise<string[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(numbers.map((number) => readFile(`/proc/${number}/stat`, "utf8").catch(() => "")));
  return stats.filter((stat) => {
    const [state, , owner] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && Number(owner) === group;
  });
}

const connectionTo = (endpoint: object): schema.Connection => schema.remoteCommand.shape.connection.parse(endpoint);

describe.skipIf(!sshdInstalled)(`over SSH (needs ${SSHD}, Debian package openssh-server)`, { timeout: TIMEOUT_MS }, () => {
  beforeAll(async () => {
    stock = await startSshd();
    dir = await mkdtemp(join(tmpdir(), "peak-ssh-test-"));
  }, TIMEOUT_MS);

  afterAll(async () => {
    await stock[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  }, TIMEOUT_MS);

  test("runs a command with its standard input and returns both outputs without the last line break", async () => {
    const output = await runRemote(...command({ create: "sh -s", stdin: "echo out; echo; echo err >&2" }));
    expect(output).toEqual({ stdout: "out\n", stderr: "err" });
  });

  test("passes much data both ways", async () => {
    const text = "0123456789abcdef".repeat(256 * 1024);
    expect((await runRemote(...command({ create: "cat", stdin: text, logging: "none" }))).stdout).toBe(text);
  });

  test("reports the exit code, the signal and what the command said", async () => {
    await expect(runRemote(...command({ create: "echo no >&2; exit 3" }))).rejects.toThrow("command exited with code 3:\nno");
    await expect(runRemote(...command({ create: "kill -TERM $$" }))).rejects.toThrow(/command was ended by SIGTERM/);
  });

  test("runs twenty commands at once on a server that admits few new connections", async () => {
    await using server = await startSshd(["MaxStartups 3:50:6"]);
    const outputs = await Promise.all(
      Array.from({ length: 20 }, (_, index) => runRemote(...command({ create: `echo ${index}` }, server.connection))),
    );
    expect(outputs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test("hands over variables that the server accepts, and refuses to run without the others", async () => {
    await using server = await startSshd(["AcceptEnv GREETING PULUMI_COMMAND_*"]);
    const [create, connection, execution] = command({
      create: 'echo "$GREETING $PULUMI_COMMAND_STDOUT"',
      environment: { GREETING: "it's" },
    });
    expect((await runRemote(create, connectionTo(server.connection), execution, { stdout: "before" }, never)).stdout).toBe("it's before");
    await expect(runRemote(create, connection, execution, {}, never)).rejects.toThrow(/does not accept all of.*GREETING.*AcceptEnv/);
    await expect(runRemote(...command({ create: "true", environment: { "a;b": "" } }))).rejects.toThrow(/"a;b" is not the name/);
  });

  test("goes through a bastion host", async () => {
    await using bastion = await startSshd();
    const output = await runRemote(...command({ create: "echo there" }, { ...stock.connection, proxy: bastion.connection }));
    expect(output.stdout).toBe("there");
  });

  test("tries again until the host is up, as often as it is told", async () => {
    const connection = { ...stock.connection, port: await freePort() };
    const [create, , execution] = command({ create: "echo up" });
    const lines: string[] = [];
    const progress = (line: string): void => void lines.push(line);
    const limited = runRemote(create, connectionTo({ ...connection, dialErrorLimit: 2 }), execution, {}, { ...never, progress });
    await expect(limited).rejects.toThrow(/cannot connect to .*@::1 port \d+ after 3 attempts: .*ECONNREFUSED/);
    expect(lines).toEqual([1, 2].map((n) => expect.stringMatching(`^Dial ${n}/2 failed: .*; retrying$`)));

    let late: Promise<Sshd> | undefined;
    const startLate = (): void => void (late ??= startSshd([`ListenAddress [::1]:${connection.port}`], stock));
    const unlimited = connectionTo({ ...connection, dialErrorLimit: -1 });
    expect((await runRemote(create, unlimited, execution, {}, { ...never, progress: startLate })).stdout).toBe("up");
    await (await late)?.[Symbol.asyncDispose]();
  });

  test("refuses a server with another host key, and a key that the server does not know", async () => {
    await using other = await startSshd();
    const wrongHost = { ...stock.connection, hostKey: other.connection.hostKey, dialErrorLimit: 0 };
    await expect(runRemote(...command({ create: "true" }, wrongHost))).rejects.toThrow(/after 1 attempts: .*(verif|denied)/i);
    const wrongKey = { ...stock.connection, privateKey: other.connection.privateKey, dialErrorLimit: 0 };
    await expect(runRemote(...command({ create: "true" }, wrongKey))).rejects.toThrow(/authentication/);
  });

  test.each([
    ["with what it has started", "sleep 600 & sleep 600 & wait", /SIGTERM|cancelled/],
    ["also when it does not heed SIGTERM", "trap '' TERM; sleep 600 & while :; do sleep 600; done", /cancelled/],
  ])("ends a command %s when it is cancelled", async (_, endless, message) => {
    const cancellation = new AbortController();
    const [create, connection, execution] = command({ create: `echo $$; ${endless}` });
    let group = 0;
    const progress = (line: string): void => {
      group = Number(line);
      cancellation.abort(new Error("cancelled"));
    };
    await expect(runRemote(create, connection, execution, {}, { signal: cancellation.signal, progress })).rejects.toThrow(message);
    expect(group).toBeGreaterThan(1);
    await expect.poll(() => aliveIn(group), { timeout: 10_000 }).toEqual([]);
  });

  test("ends no other connection's command", async () => {
    const cancellation = new AbortController();
    const other = runRemote(...command({ create: "sleep 2; echo there" }));
    const operation = { signal: cancellation.signal, progress: () => cancellation.abort(new Error("cancelled")) };
    const [create, connection, execution] = command({ create: "echo started; sleep 600" });
    await expect(runRemote(create, connection, execution, {}, operation)).rejects.toThrow("cancelled");
    expect((await other).stdout).toBe("there");
  });

  test("copies files, folders and texts, and makes the folders they go into", async () => {
    const source = join(dir, "source");
    await mkdir(join(source, "deep"), { recursive: true });
    await writeFile(join(source, "one"), "1");
    await writeFile(join(source, "deep", "two"), "2".repeat(100_000));
    const to = (...path: string[]): string => join(dir, "target", ...path);
    const connection = connectionTo(stock.connection);
    await copyToRemote({ path: source }, to("named"), connection, never);
    await copyToRemote({ path: `${source}/` }, to("content"), connection, never);
    await copyToRemote({ path: join(source, "one") }, to("content", "deep"), connection, never);
    await copyToRemote({ path: join(source, "one") }, to("file"), connection, never);
    await copyToRemote({ text: "words" }, to("a", "b", "text"), connection, never);
    await copyToRemote({ text: "other words" }, to("a", "b", "text"), connection, never);
    expect((await readdir(to(), { recursive: true })).sort()).toEqual(
      [
        ...["a", "a/b", "a/b/text", "content", "content/deep", "content/deep/one", "content/deep/two", "content/one", "file"],
        ...["named", "named/source", "named/source/deep", "named/source/deep/two", "named/source/one"],
      ].sort(),
    );
    expect(await readFile(to("a", "b", "text"), "utf8")).toBe("other words");
    expect(await readFile(to("named", "source", "deep", "two"), "utf8")).toBe("2".repeat(100_000));
    await expect(copyToRemote({ text: "" }, to("content"), connection, never)).rejects.toThrow(/is a folder/);
    await expect(copyToRemote({ path: source }, to("file"), connection, never)).rejects.toThrow(/exists and is not a folder/);
  });
});
