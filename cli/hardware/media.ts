import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ask, backendFault, readingEngine } from "../engine/environment.ts";

/** The files of each board's boot media, by the board's name. */
export type Media = Readonly<Record<string, Readonly<Record<string, string>>>>;

const files = z.record(z.string(), z.string());

/** A secret in a state that was exported in plain. */
const secret = z.object({ plaintext: z.string() });

const exported = z.object({
  deployment: z.object({
    resources: z.array(z.looseObject({ urn: z.string(), parent: z.string().optional(), inputs: z.unknown().optional() })).nullish(),
  }),
});

/**
 * The boot media that a stack's state has: there as soon as an `up` has made the keys, whether the boards answered or not. The engine is
 * asked for the state and not for the stack's outputs, which a stack that is half up does not have.
 */
export async function readMedia(stack: string): Promise<Media> {
  const engine = await readingEngine(stack);
  const text = await ask(engine, ["stack", "export", "--stack", stack, "--show-secrets"]).catch((error: unknown) => {
    throw backendFault(stack, error);
  });
  return mediaOf(JSON.parse(text));
}

/** Finds the media in an exported state. Pure. */
export function mediaOf(state: unknown): Media {
  const { resources } = exported.parse(state).deployment;
  return Object.fromEntries(
    (resources ?? []).flatMap(({ urn, parent = "", inputs }) => {
      const [, name] = /::([^:]+)-media$/.exec(urn) ?? [];
      if (name === undefined || !parent.includes("peak:hardware:BootMedia::")) return [];
      const { plaintext } = z.object({ input: secret }).parse(inputs).input;
      return [[name, files.parse(JSON.parse(plaintext))]];
    }),
  );
}

/** Writes media into a directory, a folder for each board, readable for their owner alone: a private key is among them. */
export async function writeMedia(directory: string, media: Media): Promise<void> {
  for (const [name, contents] of Object.entries(media)) {
    const folder = join(directory, name);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [file, text] of Object.entries(contents)) await writeFile(join(folder, file), text, { mode: 0o600 });
  }
}
