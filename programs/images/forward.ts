import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Forwarder extends AsyncDisposable {
  /** The port on 127.0.0.1 that leads to the target. */
  readonly port: number;
}

/** Passes connections to a free port of 127.0.0.1 on to `host` and `port`, until disposed: image references cannot have an IPv6 literal. */
export async function forward(host: string, port: number): Promise<Forwarder> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host, port, allowHalfOpen: true });
    const ends = [near, far];
    for (const end of ends) {
      open.add(end);
      end.once("close", () => open.delete(end));
      // Whoever is at the other end sees a broken connection, and says what it was for.
      end.once("error", () => ends.forEach((socket) => socket.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
