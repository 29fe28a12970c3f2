import sdk from "@pulumi/random/package.json" with { type: "json" };
import { serve } from "../shared/serve.ts";
import { randomProvider } from "./provider.ts";

await serve(randomProvider(sdk.version));
