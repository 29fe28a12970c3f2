import { hostname } from "node:os";
import type { Fault } from "../model/domain.ts";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { ApiError, type ApiRequest } from "./api.ts";
import { faultId, showObject } from "./fault.ts";

/** What lasts no longer is not worth a word: objects that belong together come one by one. */
const SETTLE_MS = 2000;
/** Kubernetes forgets an Event after an hour. */
export const REMINDER_MS = 30 * 60_000;
const BETWEEN_WRITES_MS = 200;
const MAX_REMEMBERED = 10_000;
const MAX_NOTE = 1024;

interface Pending {
  readonly fault: Fault;
  readonly isCurrent: () => boolean;
  readonly due: number;
}

/**
 * Tells faults: in the log, and as Events of the objects that have them. A fault is one Event however often and by however many servers
 * it is told; Events leave one by one, and those that cannot be written are only logged.
 */
export class Events {
  private readonly send: (request: ApiRequest) => Promise<unknown>;
  private readonly pending = new Map<string, Pending>();
  private readonly told = new Map<string, { at: number; count: number }>();
  private timer: NodeJS.Timeout | undefined;
  private lastError: string | undefined;
  private stopped = false;

  constructor(send: (request: ApiRequest) => Promise<unknown>) {
    this.send = send;
  }

  /**
   * Tells a fault in a moment, unless it has just been told.
   * @param isCurrent whether it is still one, asked when the moment has come
   */
  tell(fault: Fault, isCurrent: () => boolean = () => true): void {
    const id = faultId(fault);
    if (this.stopped || this.pending.has(id) || Date.now() - (this.told.get(id)?.at ?? 0) < REMINDER_MS) return;
    this.pending.set(id, { fault, isCurrent, due: Date.now() + SETTLE_MS });
    this.schedule();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(): void {
    const [next] = this.pending.values();
    if (!next || this.stopped) return;
    this.timer ??= setTimeout(
      going("events", () => this.next()),
      Math.max(BETWEEN_WRITES_MS, next.due - Date.now()),
    ).unref();
  }

  private async next(): Promise<void> {
    const [entry] = this.pending;
    try {
      if (!entry) return;
      const [id, { fault, isCurrent }] = entry;
      this.pending.delete(id);
      if (isCurrent()) await this.write(id, fault);
    } finally {
      this.timer = undefined;
      this.schedule();
    }
  }

  private async write(id: string, fault: Fault): Promise<void> {
    const count = (this.told.get(id)?.count ?? 0) + 1;
    this.told.delete(id);
    this.told.set(id, { at: Date.now(), count });
    if (this.told.size > MAX_REMEMBERED) this.told.delete(this.told.keys().next().value!);
    if (count === 1) log("warn", fault.message, { object: showObject(fault.object), reason: fault.reason });
    const { path, name, event } = eventOf(id, fault, new Date());
    try {
      await this.send({ method: "POST", path, body: event }).catch(async (error: unknown) => {
        if (!(error instanceof ApiError && error.statusCode === 409)) throw error;
        // it is there already; another server's first word needs no second
        const series = { count, lastObservedTime: microTime(new Date()) };
        if (count > 1) await this.send({ method: "PATCH", path: `${path}/${name}`, body: { series } });
      });
      this.lastError = undefined;
    } catch (error) {
      const text = (error as Error).message;
      if (text !== this.lastError) log("warn", "cannot write Events; faults are only logged", { error: text });
      this.lastError = text;
    }
  }
}

/** The API wants six digits. */
const microTime = (time: Date): string => time.toISOString().replace("Z", "000Z");

/** The Event of a fault, and where it goes: beside the object, or to `default` for an object of the cluster. */
function eventOf(id: string, { object, reason, message }: Fault, time: Date): { path: string; name: string; event: object } {
  const namespace = object.namespace || "default";
  const name = `${object.name.slice(0, 200).replace(/[.-]+$/, "")}.${id}`;
  const event = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace },
    eventTime: microTime(time),
    type: "Warning",
    action: "Publish",
    reason,
    note: message.length > MAX_NOTE ? `${message.slice(0, MAX_NOTE - 3)}...` : message,
    reportingController: "dns.peak/peakdns",
    reportingInstance: hostname().slice(0, 128),
    regarding: object,
  };
  return { path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, name, event };
}
