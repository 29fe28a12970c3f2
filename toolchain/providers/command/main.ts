import sdk from "@pulumi/command/package.json" with { type: "json" };
import { serve } from "../shared/serve.ts";
import { commandProvider } from "./provider.ts";

await serve(commandProvider(sdk.version));
