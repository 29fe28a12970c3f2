import { dirname, delimiter, join } from "node:path";
import { attempt } from "../../shell/run.ts";
import { hostArch } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";

/** Somebody who has Pulumi's own command line, and a clone of the project. */
export interface OfficialUser {
  /** The clone: where the command is run, and whose bundled plugins stand in for the official ones. */
  clone: string;
  /** A directory that has nothing of anybody else's: the home, with the command line's own files and a cache in it. */
  home: string;
  /** Besides: the backend, its passphrase, a kubeconfig. PATH is looked through last. */
  env: NodeJS.ProcessEnv;
}

/** Runs programs as one does who has nothing but the official command line; its Node language host alone is a stand-in (language-host.ts). */
export class OfficialCli {
  readonly #engine: string;
  readonly #user: OfficialUser;

  private constructor(engine: string, user: OfficialUser) {
    this.#engine = engine;
    this.#user = user;
  }

  static async for(user: OfficialUser): Promise<OfficialCli> {
    return new OfficialCli(join((await provide("engine", hostArch)).dir, "bin", "pulumi"), user);
  }

  /** @returns what `pulumi` printed. @throws Error with all that it said, when it fails */
  pulumi(words: readonly string[], cwd?: string): Promise<string> {
    return this.run(this.#engine, [...words, "--non-interactive"], cwd);
  }

  /** Runs another program with the same environment. */
  async run(program: string, args: readonly string[], cwd = this.#user.clone): Promise<string> {
    const { clone, home, env } = this.#user;
    const path = [dirname(process.execPath), join(import.meta.dirname, "bin"), join(clone, "toolchain", "providers", "bin"), env["PATH"] ?? process.env["PATH"]];
    const { status, stdout, stderr } = await attempt(program, args, {
      cwd,
      env: {
        HOME: home,
        PULUMI_HOME: join(home, "pulumi"),
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...env,
        PATH: path.join(delimiter),
      },
      signal: AbortSignal.timeout(900_000),
    });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
    return stdout;
  }
}
