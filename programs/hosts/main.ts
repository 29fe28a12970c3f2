/**
 * Hosts that come into being by themselves, as `node programs/hosts/main.ts VERB`, with a JSON spec on standard input:
 * `silent` waits for hosts and tells which do not answer; `look` tells a host's incarnation; `settle` makes a host one of the stack's, and
 * `leave` undoes that; `admit` brings it the SSH keys of the stack.
 */
import { text } from "node:stream/consumers";
import { z } from "zod";
import { connectionSpec, withSession, type Connection } from "../ssh.ts";
import { admit, admitSpec } from "./admit.ts";
import { silence } from "./answers.ts";

/** How long one login may take. */
const LOGIN_SECONDS = 20;
/** Where a host keeps its incarnation, beside the records of its set-ups: as they do, it goes with the disk. */
const file = "/var/lib/peak-setups/incarnation";
const machines = { x86_64: "amd64", aarch64: "arm64" } as Readonly<Record<string, string>>;

const silentSpec = z.object({ hosts: z.array(z.object({ name: z.string(), address: z.string() })), seconds: z.number() });
const lookSpec = z.object({ connection: connectionSpec });
const settleSpec = z.object({
  name: z.string(), arch: z.string(), incarnation: z.string(), connection: connectionSpec,
  /** Why it does not answer, or cannot be looked at. */
  silent: z.string().optional(), fault: z.string().optional(),
});

const verbs: Record<string, (spec: unknown) => Promise<string>> = {
  silent: async (spec) => {
    const { hosts, seconds } = silentSpec.parse(spec);
    const all = await Promise.all(hosts.map(async ({ name, address }) => [name, await silence(address, seconds)] as const));
    return JSON.stringify(Object.fromEntries(all.filter(([, why]) => why !== undefined)));
  },
  // Why it cannot be looked at is an answer, too, which `settle` tells: nothing else of the stack hangs on it.
  look: async (spec) => JSON.stringify(await look(lookSpec.parse(spec).connection)),
  settle: async (spec) => settle(settleSpec.parse(spec)),
  admit: async (spec) => {
    await admit(admitSpec.parse(spec));
    return "";
  },
  leave: async (spec) => {
    const { name, connection } = settleSpec.parse(spec);
    return withSession(connection, LOGIN_SECONDS, ({ run }) => run(`rm -f ${file}; rmdir ${directory} 2>/dev/null || :`)).catch((error: Error) => {
      throw new Error(`${name} cannot be left: ${error.message}`);
    });
  },
};
const directory = file.slice(0, file.lastIndexOf("/"));

async function look(connection: Connection): Promise<{ incarnation?: string } | { fault: string }> {
  try {
    const incarnation = await withSession(connection, LOGIN_SECONDS, async ({ run }) => (await run(`cat ${file} 2>/dev/null || :`)).trim());
    return incarnation === "" ? {} : { incarnation };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}

async function settle({ name, arch, incarnation, silent, fault, connection }: z.infer<typeof settleSpec>): Promise<string> {
  if (silent !== undefined) throw new Error(`${name} (${connection.host}) does not answer: ${silent}. Switch it on, or take it out of the inventory`);
  if (fault !== undefined) throw new Error(`${name} cannot be looked at: ${fault}`);
  return withSession(connection, LOGIN_SECONDS, async ({ run }) => {
    const machine = (await run("uname -m")).trim();
    if (machines[machine] !== arch) {
      throw new Error(`${name} is a machine of the architecture ${machines[machine] ?? machine}: say so in the inventory, which has it as ${arch}`);
    }
    const there = (await run(`cat ${file} 2>/dev/null || :`)).trim();
    // It could not be looked at, and can be now. To take it for a new disk would be to set all of it up from nothing.
    if (there !== "" && there !== incarnation) throw new Error(`${name} (${connection.host}) did not answer for a moment: run this again`);
    await run(`mkdir -p ${directory} && echo '${incarnation}' > ${file}.new && mv ${file}.new ${file}`);
    return incarnation;
  });
}

const [name = ""] = process.argv.slice(2);
const verb = verbs[name];
try {
  if (!verb) throw new Error(`"${name}" is none of: ${Object.keys(verbs).join(", ")}`);
  process.stdout.write(await verb(JSON.parse(await text(process.stdin))));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
