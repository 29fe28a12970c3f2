import { run, succeeds } from "../shell/run.ts";

/** Programs that build images. */
export type ImageBuilder = "buildah" | "podman" | "docker";

/**
 * The first of buildah, podman and docker that is ready for use; undefined if none is. The first two leave the images of the host alone, so
 * they come before docker, which is ready only with its daemon.
 */
export async function readyBuilder(signal?: AbortSignal): Promise<ImageBuilder | undefined> {
  const options = signal ? { signal } : {};
  for (const command of ["buildah", "podman"] as const) {
    if (await succeeds(command, ["--version"], options)) return command;
  }
  // Some editions call it a success that there is no daemon to tell of.
  const daemon = await run("docker", ["info", "--format", "{{.ServerVersion}}"], options).catch(() => "");
  signal?.throwIfAborted();
  return daemon.trim() === "" ? undefined : "docker";
}
