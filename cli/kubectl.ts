import { join } from "node:path";
import { which } from "../shell/which.ts";
import { hostArch } from "../toolchain/products.ts";
import { provide } from "../toolchain/provide.ts";
import { interruptibly, sayOnStderr } from "./interrupt.ts";

/** kubectl: the user's own, else that of the Kubernetes binaries that the cluster is made of. */
export async function kubectlBinary(): Promise<string> {
  const own = which("kubectl");
  if (own !== undefined) return own;
  const { dir } = await interruptibly(sayOnStderr, (signal) => provide("kubernetes", hostArch, { signal }));
  return join(dir, "bin", "kubectl");
}
