import { Registry } from "prom-client";
import { readEnvironment } from "../shared/environment.ts";
import { Readiness } from "../shared/readiness.ts";
import { serve } from "../shared/serve.ts";
import { echo } from "./app.ts";
import { Burner } from "./burner.ts";

const { self, drainSeconds } = readEnvironment(process.env);
const readiness = new Readiness();
const burner = new Burner();
const listener = echo({ self, readiness, burner, registry: new Registry() });

// DNS answers carry no port, so a service listens on the standard one itself.
await serve({ listener, readiness, port: 80, drainSeconds });
await burner.close();
