import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { run } from "../../../shell/run.ts";

/** Where Debian's package openssh-server puts the server; it insists on being started by its full path. */
export const SSHD = "/usr/sbin/sshd";

/** Whether an SSH server can be started here. */
export const sshdInstalled = existsSync(SSHD);

/** A stock SSH server on loopback, with keys of its own. */
export interface Sshd extends AsyncDisposable {
  /** Folder of its keys and configuration. */
  readonly dir: string;
  /** How to log in to it with a key, the host key checked. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly privateKey: string;
    readonly hostKey: string;
  };
}

/** Starts the server on a free port. Lines in `config` come on top of the stock configuration; `twin` is a server to share keys with. */
export async function startSshd(config: readonly string[] = [], twin?: Sshd): Promise<Sshd> {
  const dir = await mkdtemp(join(tmpdir(), "peak-sshd-"));
  if (twin) await cp(twin.dir, dir, { recursive: true });
  else for (const name of ["host", "user"]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(dir, name)]);
  await copyFile(join(dir, "user.pub"), join(dir, "authorized_keys"));
  const port = await freePort();
  const lines = [
    `ListenAddress [::1]:${port}`,
    `HostKey ${join(dir, "host")}`,
    `AuthorizedKeysFile ${join(dir, "authorized_keys")}`,
    "PidFile none",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    // The folder is in /tmp, which everybody may write to.
    "StrictModes no",
    "Subsystem sftp internal-sftp",
    ...config,
  ];
  await writeFile(join(dir, "sshd_config"), `${lines.join("\n")}\n`);
  // Its privilege separation folder belongs to the service, which need not have been started here.
  if (process.getuid?.() === 0) await run("mkdir", ["-p", "-m", "755", "/run/sshd"]);
  const server = spawn(SSHD, ["-D", "-e", "-f", join(dir, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  server.stderr.on("data", (bytes: Buffer) => (log += bytes.toString()));
  const dispose = async (): Promise<void> => {
    if (server.exitCode === null && server.kill()) await once(server, "exit");
    await rm(dir, { recursive: true, force: true });
  };
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (tries === 100 || server.exitCode !== null) {
      await dispose();
      throw new Error(`${SSHD} did not start: ${log}`);
    }
    await delay(50);
  }
  return {
    dir,
    connection: {
      host: "::1",
      port,
      user: userInfo().username,
      privateKey: await readFile(join(dir, "user"), "utf8"),
      hostKey: await readFile(join(dir, "host.pub"), "utf8"),
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** A TCP port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "::1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
