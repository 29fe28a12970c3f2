import sdk from "@pulumi/tls/package.json" with { type: "json" };
import { serve } from "../shared/serve.ts";
import { tlsProvider } from "./provider.ts";

await serve(tlsProvider(sdk.version, () => new Date()));
