import { randomInt } from "node:crypto";
import { Backoff } from "../runtime/backoff.ts";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { exchangeDatagram } from "../transport/client.ts";
import { Class, Flag, Opcode, Rcode, rcodeName, Type } from "../wire/constants.ts";
import { formatEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { formatName, ROOT } from "../wire/name.ts";
import { isSignedAnswer, signRequest, type TsigKey } from "../wire/tsig.ts";
import { MessageWriter } from "../wire/writer.ts";
import type { Zone } from "../zone/zone.ts";
import type { TransferCounts } from "./counts.ts";

/** Changes that come within so long are told once, milliseconds. */
const GATHER_MS = 100;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;

/** Tells one server of the changes of one zone (RFC 1996), again and again until it answers. */
export class Notifier {
  private readonly server: Endpoint;
  private readonly key: TsigKey | undefined;
  private readonly from: string | undefined;
  private readonly counts: TransferCounts;
  private zone: Zone | undefined;
  private round: AbortController | undefined;
  private readonly backoff = new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS);
  private timer: NodeJS.Timeout | undefined;
  private lastError: string | undefined;

  /**
   * @param key to sign with, if any
   * @param from own address to send from: secondaries know their primary by it
   */
  constructor(server: Endpoint, key: TsigKey | undefined, from: string | undefined, counts: TransferCounts) {
    this.server = server;
    this.key = key;
    this.from = from;
    this.counts = counts;
  }

  /** The zone is this one now. */
  notify(zone: Zone): void {
    this.zone = zone;
    this.backoff.reset();
    this.schedule(GATHER_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.round?.abort();
  }

  private schedule(delayMs: number): void {
    this.stop();
    this.timer = setTimeout(
      going("transfer", () => this.tell()),
      delayMs,
    ).unref();
  }

  private async tell(): Promise<void> {
    const zone = this.zone!;
    // who has not answered is given more time
    const waitMs = this.backoff.next();
    const round = new AbortController();
    this.round = round;
    const startedAt = Date.now();
    let late = false;
    const timeout = setTimeout(() => {
      late = true;
      round.abort();
    }, waitMs).unref();
    try {
      const rcode = await this.send(zone, round.signal);
      this.counts.notify("out", rcode === Rcode.NOERROR ? "answered" : "refused");
      if (rcode !== Rcode.NOERROR) this.complain(`it said ${rcodeName(rcode)}`);
      else this.lastError = undefined;
    } catch (error) {
      // a newer change has taken over, or the server stops
      if (round.signal.aborted && !late) return;
      this.counts.notify("out", "failed");
      this.complain(late ? "no answer in time" : (error as Error).message);
      // an error may come at once; the wait is the same
      this.schedule(Math.max(0, waitMs - (Date.now() - startedAt)));
    } finally {
      clearTimeout(timeout);
    }
  }

  private async send(zone: Zone, signal: AbortSignal): Promise<number> {
    const message = encodeNotify(zone);
    if (!this.key) return (await exchangeDatagram(this.server, message, signal, this.from))[3]! & 15;
    const request = signRequest(message, this.key, now());
    const answer = await exchangeDatagram(this.server, request.message, signal, this.from);
    const rcode = answer[3]! & 15;
    if (rcode === Rcode.NOERROR && !isSignedAnswer(answer, this.key, request.mac, now()))
      throw new Error("its answer is not signed with the key");
    return rcode;
  }

  private complain(error: string): void {
    if (error === this.lastError) return;
    this.lastError = error;
    log("warn", "a secondary does not take the news of a change", {
      zone: formatName(this.zone?.origin ?? ROOT),
      server: formatEndpoint(this.server),
      error,
    });
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

const writer = new MessageWriter();

/** A NOTIFY message with the SOA record that it is about. */
export function encodeNotify({ origin, soa }: Pick<Zone, "origin" | "soa">): Buffer {
  writer.begin(0xffff);
  writer.question(origin, Type.SOA, Class.IN);
  writer.rrset(soa.owner, soa.rrset);
  writer.header(randomInt(0x10000), (Opcode.NOTIFY << 11) | Flag.AA, 1, 1, 0, 0);
  return writer.take();
}

