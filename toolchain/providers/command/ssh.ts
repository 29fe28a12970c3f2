import { setTimeout as delay } from "node:timers/promises";
import type { Client, ConnectConfig, SFTPWrapper } from "ssh2";
import type { Operation } from "../shared/provider.ts";
import { Capture, type Exit, type Output } from "./capture.ts";
import { previousOutputVariables } from "./local.ts";
import type { Connection, Endpoint, RemoteExecution } from "./schema.ts";

const FIRST_RETRY_MS = 100;
const RETRY_GROWTH = 1.5;
const LONGEST_RETRY_MS = 5_000;
const KEEPALIVE_MS = 15_000;

/**
 * Connects to a host over SSH, through its bastion host if it has one, and calls `use` with the client; closes the connection after.
 * Each dial is tried again, with growing pauses, until `dialErrorLimit` retries have failed too.
 */
export async function withConnection<T>(connection: Connection, operation: Operation, use: (client: Client) => Promise<T>): Promise<T> {
  const { proxy } = connection;
  if (!proxy) return withClient(() => dialWithRetry("Dial", connection, operation), operation, use);
  return withClient(
    () => dialWithRetry("Dial proxy", proxy, operation),
    operation,
    (bastion) => withClient(() => dialWithRetry("Dial from proxy", connection, operation, bastion), operation, use),
  );
}

/**
 * Runs a command on a host to its end, showing its output lines as progress. When the operation is cancelled, the command's process
 * group gets SIGTERM, and SIGKILL if it has not ended after 10 s.
 *
 * @throws when the host cannot be reached or refuses the environment, when the command fails, or when it is cancelled
 */
export async function runRemote(
  command: string,
  connection: Connection,
  execution: RemoteExecution,
  previous: Partial<Output>,
  operation: Operation,
): Promise<Output> {
  return withConnection(connection, operation, async (client) => {
    await requireEnvironment(client, execution.environment, operation);
    const capture = new Capture(execution.logging, operation.progress);
    const environment = {
      ...execution.environment,
      ...(execution.addPreviousOutputInEnv ? previousOutputVariables(previous) : {}),
    };
    const exit = await execute(client, command, environment, execution.stdin, capture, operation);
    if (exit.code !== 0) throw capture.failure(exit);
    return capture.end();
  });
}

/** Opens a file transfer session. */
export function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
}

/** The settings of the SSH client for an endpoint. A key comes before a password, a password before the agent. */
export function connectConfig(endpoint: Endpoint, agentSocket: string | undefined): ConnectConfig {
  const { privateKey, privateKeyPassword, password, hostKey } = endpoint;
  const agent = endpoint.agentSocketPath ?? agentSocket;
  return {
    host: endpoint.host,
    port: endpoint.port,
    username: endpoint.user,
    readyTimeout: endpoint.perDialTimeout * 1000,
    keepaliveInterval: KEEPALIVE_MS,
    authHandler: [
      ...(privateKey === undefined ? [] : (["publickey"] as const)),
      ...(password === undefined ? [] : (["password", "keyboard-interactive"] as const)),
      ...(agent === undefined ? [] : (["agent"] as const)),
    ],
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword }),
    ...(password === undefined ? {} : { password, tryKeyboard: true }),
    ...(agent === undefined ? {} : { agent }),
    ...(hostKey === undefined ? {} : verifying(hostKey)),
  };
}

// Only the algorithms of the expected key are offered, so that the server shows that key and not another one of its own.
function verifying(hostKey: string): Pick<ConnectConfig, "hostVerifier" | "algorithms"> {
  const [type, key] = hostKey.trim().split(/\s+/);
  if (type === undefined || key === undefined) throw new Error('hostKey: expected "TYPE BASE64", as in a line of ~/.ssh/known_hosts');
  const expected = Buffer.from(key, "base64");
  const algorithms = type === "ssh-rsa" ? (["rsa-sha2-512", "rsa-sha2-256"] as const) : [type as "ssh-ed25519"];
  return { hostVerifier: (shown: Buffer) => shown.equals(expected), algorithms: { serverHostKey: [...algorithms] } };
}

async function withClient<T>(dial: () => Promise<Client>, { signal }: Operation, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await dial();
  // From here on a lost connection ends the channels, which is where it is noticed.
  client.on("error", () => {});
  try {
    return await use(client);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    client.end();
  }
}

async function dialWithRetry(what: string, endpoint: Endpoint, { signal, progress }: Operation, bastion?: Client): Promise<Client> {
  const limit = endpoint.dialErrorLimit;
  const config = connectConfig(endpoint, process.env["SSH_AUTH_SOCK"]);
  let pause = FIRST_RETRY_MS;
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      return await dial(config, signal, bastion);
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      if (limit >= 0 && tries > limit) {
        throw new Error(`cannot connect to ${endpoint.user}@${endpoint.host} port ${endpoint.port} after ${tries} attempts: ${reason}`);
      }
      progress(`${what} ${tries}/${limit < 0 ? "inf" : limit} failed: ${reason}; retrying`);
      // Spread over the second half of the pause: commands that were dropped together by a busy server must not come back together.
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      pause = Math.min(pause * RETRY_GROWTH, LONGEST_RETRY_MS);
    }
  }
}

async function dial(config: ConnectConfig, signal: AbortSignal, bastion: Client | undefined): Promise<Client> {
  const { Client: SshClient } = await import("ssh2");
  const { host = "", port = 22, password = "" } = config;
  const tunnel =
    bastion &&
    (await new Promise<NonNullable<ConnectConfig["sock"]>>((resolve, reject) => {
      bastion.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
    }));
  const client = new SshClient();
  const abort = (): void => void client.destroy();
  signal.addEventListener("abort", abort);
  try {
    await new Promise<void>((resolve, reject) => {
      client.once("ready", resolve);
      client.once("error", reject);
      client.once("close", () => reject(new Error("the server closed the connection")));
      client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)));
      client.connect(tunnel ? { ...config, sock: tunnel } : config);
    });
    return client;
  } catch (error) {
    client.on("error", () => {}).destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

// A server drops variables that its configuration does not list, and says nothing. Running without them could do the wrong thing.
async function requireEnvironment(client: Client, environment: Readonly<Record<string, string>>, operation: Operation): Promise<void> {
  const names = Object.keys(environment);
  const invalid = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (invalid !== undefined) throw new Error(`environment: "${invalid}" is not the name of a variable`);
  if (names.length === 0) return;
  const capture = new Capture("none", () => {});
  const exit = await execute(client, `printenv ${names.join(" ")}`, environment, undefined, capture, operation);
  if (exit.code !== 0) {
    throw new Error(
      `the SSH server does not accept all of the environment variables ${names.join(", ")}; name them in AcceptEnv of its sshd_config, ` +
        'or set them in the command ("NAME=value command") or in a script on stdin',
    );
  }
}

function execute(
  client: Client,
  command: string,
  environment: Readonly<Record<string, string>>,
  stdin: string | undefined,
  capture: Capture,
  { signal }: Operation,
): Promise<Exit> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env: { ...environment } }, (error, channel) => {
      if (error) return reject(error);
      let exit: Exit | undefined;
      const closed = new Promise<void>((resolve) => channel.once("close", () => resolve()));
      const cancel = (): void => void endCommands(client, closed).finally(() => reject(new Error("cancelled while the command was running")));
      if (signal.aborted) cancel();
      signal.addEventListener("abort", cancel);
      channel.on("data", (bytes: Buffer) => capture.write("stdout", bytes));
      channel.stderr.on("data", (bytes: Buffer) => capture.write("stderr", bytes));
      channel.on("exit", (code: number | null, name?: string) => (exit = { code, signal: name ?? null }));
      channel.on("close", () => {
        signal.removeEventListener("abort", cancel);
        if (exit) resolve(exit);
        else reject(new Error("the connection was lost while the command was running"));
      });
      // A command need not read its standard input.
      channel.on("error", () => {});
      channel.end(stdin);
    });
  });
}

/** How long a cancelled command may take to end, in milliseconds; and how long the host may take to answer, after that. */
const KILL_AFTER_MS = 10_000;
const ANSWER_MS = 2_000;

/** Ends the commands that run in this connection; resolves when the channel has closed, or when nothing more can be done. */
async function endCommands(client: Client, closed: Promise<void>): Promise<void> {
  const within = (limit: number): Promise<boolean> =>
    Promise.race([closed.then(() => true), delay(limit, false, { ref: false })]);
  for (const [name, limit] of [["TERM", KILL_AFTER_MS], ["KILL", ANSWER_MS]] as const) {
    await Promise.race([signalCommands(client, name), closed, delay(ANSWER_MS, undefined, { ref: false })]);
    if (await within(limit)) return;
  }
}

/**
 * Sends a signal to the process groups of all other commands of this connection, by a command of its own: OpenSSH passes no signal on to
 * what runs as root. They are told by their parent, which is the server's process for this connection.
 */
function signalCommands(client: Client, name: "TERM" | "KILL"): Promise<void> {
  const script = [
    "for stat in /proc/[0-9]*/stat; do",
    '{ read -r line < "$stat"; } 2> /dev/null || continue;', // it has ended meanwhile
    "set -- ${line##*) };", // state, parent, process group
    `if [ "$2" = "$PPID" ] && [ "$3" != "$$" ]; then kill -s ${name} -- "-$3"; fi;`,
    "done",
  ].join(" ");
  return new Promise((resolve) => {
    client.exec(`exec sh -c '${script}'`, (error, channel) => {
      if (error) return resolve();
      channel.on("close", () => resolve()).on("error", () => {}).resume();
    });
  });
}
