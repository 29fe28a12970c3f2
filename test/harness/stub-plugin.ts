// A resource plugin without effects: `node stub-plugin.ts PACKAGE`. What it makes is there at once, with the outputs of test/stacks/mocks.ts, and
// every other input is a change in place. So the real engine makes a whole state of the real program, with no machine and no cluster.
import { createRequire } from "node:module";
import { detailedDiff } from "../../toolchain/providers/shared/diff.ts";
import type { Properties } from "../../toolchain/providers/shared/properties.ts";
import type { ResourceRequest } from "../../toolchain/providers/shared/provider.ts";
import { serve } from "../../toolchain/providers/shared/serve.ts";
import { answer, outputs } from "../stacks/mocks.ts";

const { version } = createRequire(import.meta.url)(`@pulumi/${process.argv[2]}/package.json`) as { version: string };
const made = ({ type, name }: ResourceRequest, inputs: Properties) => outputs({ type, name, inputs }) as Properties;

await serve({
  version,
  check: async ({ news }) => ({ inputs: news }),
  diff: async ({ oldInputs, news }) => ({ changes: detailedDiff(oldInputs, news) }),
  create: async ({ inputs, ...resource }) => ({ id: `${resource.name}-id`, outputs: made(resource, inputs) }),
  read: async (found) => found,
  update: async ({ news, ...resource }) => made(resource, news),
  delete: async () => {},
  invoke: async ({ token, args }) => ({ result: answer(token, args) as Properties }),
});
