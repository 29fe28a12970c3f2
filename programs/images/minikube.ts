import { join } from "node:path";
import { run } from "../../shell/run.ts";
import type { Destination } from "./destination.ts";

/**
 * The nodes of a minikube profile, all of which have each image loaded. A pod refers to it by a tag, for it has no digest that a node could
 * find again, and in a name below `localhost`, where no node would ever pull from if it had lost it.
 */
export function minikubeDestination(profile: string): Destination {
  const minikube = (args: string[], signal: AbortSignal) =>
    run("minikube", ["--profile", profile, "image", ...args], { signal }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw new Error("minikube is not installed: put it on PATH, or set peak:imageRegistry");
      throw error;
    });
  return {
    // `minikube image ls` lists what any node has: which of them lacks an image cannot be told.
    find: async () => undefined,
    async take({ builder, image, repository, tag, directory, signal }) {
      const reference = `localhost/${repository}:${tag}`;
      // The file's name is all that minikube tells archives apart by, on the nodes.
      const file = join(directory, `${repository.replaceAll("/", "-")}-${tag}.tar`);
      await builder.save({ image, file, reference });
      await minikube(["load", file], signal);
      // It ends with status 0 also where a node has not taken it.
      const there = await minikube(["ls"], signal);
      if (!there.includes(reference)) throw new Error(`minikube took ${reference} and does not have it: see \`minikube --profile ${profile} logs\``);
      return reference;
    },
  };
}
