/** A plugin that does nothing but remember its inputs: for tests of what the engine makes of a program. */

import { detailedDiff } from "../../toolchain/providers/shared/diff.ts";
import { serve } from "../../toolchain/providers/shared/serve.ts";

await serve({
  version: "",
  check: async ({ news }) => ({ inputs: news }),
  diff: async ({ oldInputs, news }) => ({ changes: detailedDiff(oldInputs, news) }),
  create: async ({ name, inputs }) => ({ id: name, outputs: inputs }),
  read: async ({ id, outputs, inputs }) => ({ id, outputs, inputs }),
  update: async ({ news }) => news,
  delete: async () => {},
  invoke: async () => ({ result: {} }),
});
