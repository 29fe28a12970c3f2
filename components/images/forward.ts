import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { pipeline } from "node:stream/promises";

export interface Forwarder extends AsyncDisposable {
  /** The port on 127.0.0.1 that leads to the target. */
  readonly port: number;
}

/** Passes connections to a free port of 127.0.0.1 on to `host` and `port`, until disposed: image references cannot have an IPv6 literal. */
export async function forward(host: string, port: number): Promise<Forwarder> {
  const open = new AbortController();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host, port, allowHalfOpen: true });
    // Whoever is at either end sees a broken connection, and says what it was for.
    Promise.all([pipeline(near, far, open), pipeline(far, near, open)]).catch(() => {
      near.destroy();
      far.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      open.abort();
      await once(server, "close");
    },
  };
}
