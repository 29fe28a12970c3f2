import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { ApiError, type ApiRequest } from "./api.ts";

/** What the status of an Ingress is to say, and what it says. */
export interface IngressStatus {
  readonly hosts: readonly string[];
  readonly published: readonly { readonly hostname: string | undefined; readonly ip: string | undefined }[];
}

const DELAY_MS = 500;
const RETRY_MS = 10_000;

/** Keeps `status.loadBalancer.ingress` of Ingresses at the hosts that are served. Every server does so: what is right is not written. */
export class IngressStatuses {
  private readonly send: (request: ApiRequest) => Promise<unknown>;
  private readonly statusOf: (key: string) => IngressStatus | undefined;
  private readonly pending = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private lastError: string | undefined;
  private stopped = false;

  /** @param statusOf of `NAMESPACE/NAME`; undefined: the Ingress is not ours */
  constructor(send: (request: ApiRequest) => Promise<unknown>, statusOf: (key: string) => IngressStatus | undefined) {
    this.send = send;
    this.statusOf = statusOf;
  }

  /** Ingresses whose status may be wrong now. */
  check(keys: readonly string[]): void {
    for (const key of keys) this.pending.add(key);
    this.schedule(DELAY_MS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(delay: number): void {
    if (this.pending.size > 0 && !this.stopped) this.timer ??= setTimeout(going("events", () => this.writeAll()), delay).unref();
  }

  private async writeAll(): Promise<void> {
    let delay = DELAY_MS;
    for (const key of [...this.pending]) {
      this.pending.delete(key);
      try {
        await this.write(key);
        this.lastError = undefined;
      } catch (error) {
        // gone, or changed under our hands: the watch will tell
        if (error instanceof ApiError && (error.statusCode === 404 || error.statusCode === 409)) continue;
        this.pending.add(key);
        delay = RETRY_MS;
        const text = (error as Error).message;
        if (text !== this.lastError) log("warn", "cannot write the status of an Ingress, trying again", { ingress: key, error: text });
        this.lastError = text;
      }
    }
    this.timer = undefined;
    this.schedule(delay);
  }

  private async write(key: string): Promise<void> {
    const status = this.statusOf(key);
    if (!status) return;
    const { hosts, published } = status;
    const isRight =
      published.length === hosts.length && published.every(({ hostname, ip }, i) => hostname === hosts[i] && ip === undefined);
    if (isRight) return;
    const [namespace, name] = key.split("/");
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses/${name}/status`;
    const ingress = hosts.map((hostname) => ({ hostname }));
    await this.send({ method: "PATCH", path, body: { status: { loadBalancer: { ingress } } } });
  }
}
