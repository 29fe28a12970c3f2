import { startApiServer } from "../../../test/harness/api-server.ts";
import { startSshd } from "../command/sshd.ts";
import type { Properties } from "../shared/properties.ts";
import { commandSample, kubernetesSample, randomSample, type Sample } from "./resources.ts";

/** Plugins that are compared here; tls has a recording and a test of its own, since its values hang together. */
export type ComparedPlugin = "command" | "random" | "kubernetes";

/** Calls `use` with the sample of a plugin, while what its resources talk to is there, and with the plugin's configuration. */
export async function withSample<T>(name: ComparedPlugin, use: (sample: Sample, config: Properties) => Promise<T>): Promise<T> {
  if (name === "random") return use(randomSample, {});
  if (name === "command") {
    await using server = await startSshd();
    return await use(commandSample(server), {});
  }
  await using server = await startApiServer();
  return await use(kubernetesSample("peak-compare"), { kubeconfig: server.kubeconfig });
}
