import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { access, copyFile, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Screen } from "../display/screen.ts";
import { messageOf } from "../errors.ts";
import { root } from "../paths.ts";
import { LOCAL } from "../stacks.ts";
import { ask, backendFault, hasLocalState, isAbsent, isLoggedOut } from "./environment.ts";
import { localKeys } from "./keys.ts";
import { backendDirectory } from "./locks.ts";
import { bringEngine, nodesAskedFor, type OpenOptions, type Session, sessionOf } from "./session.ts";
import { committedStackFile, encryptionSalt, ownStackFile, withoutEncryption } from "./stack-file.ts";
import { encryptedWith, type ExportedStack, knownResources, pendingCount, withoutPending } from "./state.ts";

/** A copy of a stack, gone when disposed. */
export interface Copy extends Session, AsyncDisposable {
  /** The user is logged in to no backend, so that the stack's own state could not be looked at. */
  loggedOut: boolean;
  /** How many operations an interrupted run left without a known end; the copy is without them. */
  pending: number;
}

/**
 * Opens a copy of a stack, with its state if it has one, in a backend of its own that is gone afterwards: nothing that is done to it, or by
 * opening it, is written to the stack, to its backend or to the project.
 */
export async function openCopy(name: string, screen: Screen, { nodes, signal }: OpenOptions): Promise<Copy> {
  const committed = await committedStackFile(name);
  const engine = await bringEngine(name, screen, signal);
  const state = await stateOf(name, engine);

  const directory = await mkdtemp(join(tmpdir(), "peak-preview-"));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once("exit", remove); // also where a second Ctrl-C ends us at once
  const dispose = async () => {
    process.off("exit", remove);
    remove();
  };
  try {
    const configFile = join(directory, `Pulumi.${name}.yaml`);
    const { text, hasSecrets } = withoutEncryption(committed);
    const env = {
      PULUMI_BACKEND_URL: `file://${directory}`,
      PULUMI_HOME: join(directory, "home"),
      TMPDIR: directory,
      // What is encrypted in the stack file can be read with the user's own passphrase only.
      ...(!hasSecrets && { PULUMI_CONFIG_PASSPHRASE: randomBytes(32).toString("base64url") }),
    };
    const inCopy = (args: string[], input = "") => ask(engine, args, { cwd: directory, env, input });
    await copyFile(join(root, "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
    await writeFile(configFile, text, { mode: 0o600 });
    await inCopy(["stack", "init", name, "--no-select"]);
    if (typeof state === "object") {
      const salt = encryptionSalt(await readFile(configFile, "utf8"));
      await inCopy(["stack", "import", "--stack", name], JSON.stringify(encryptedWith(salt, withoutPending(state))));
    }
    if (name === LOCAL) {
      const asked = { nodes: nodes ?? (await nodesAskedFor()), keys: await localKeys() };
      await writeFile(configFile, ownStackFile(text, await readFile(configFile, "utf8"), asked));
    }

    const session = await sessionOf({ name, configFile, enginePid: join(directory, "engine"), refuse: async () => {} }, env);
    if (typeof state === "object") session.resources = knownResources(state);
    const pending = typeof state === "object" ? pendingCount(state) : 0;
    return Object.assign(session, { loggedOut: state === "unknown", pending, [Symbol.asyncDispose]: dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The state of a stack with its secrets in plain, so that another passphrase can take them; unknown where there is no login to ask with. */
async function stateOf(name: string, engine: string): Promise<ExportedStack | "absent" | "unknown"> {
  if (name === LOCAL ? !(await hasLocalState()) : await isEmptyBackend(process.env["PULUMI_BACKEND_URL"])) return "absent";
  try {
    return JSON.parse(await ask(engine, ["stack", "export", "--stack", name, "--show-secrets"])) as ExportedStack;
  } catch (error) {
    if (isAbsent(messageOf(error))) return "absent";
    if (isLoggedOut(messageOf(error))) return "unknown";
    throw backendFault(name, error);
  }
}

/** Whether a backend in a directory has nothing in it yet: the engine would begin one when asked what there is. */
async function isEmptyBackend(url: string | undefined): Promise<boolean> {
  const directory = backendDirectory(url);
  if (directory === undefined) return false;
  const there = (path: string) => access(path).then(() => true, () => false);
  return (await there(directory)) && !(await there(join(directory, ".pulumi")));
}
