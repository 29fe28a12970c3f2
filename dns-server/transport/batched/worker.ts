import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Guard, PASS } from "../../limit/guard.ts";
import { SlowLane } from "../../limit/slow-lane.ts";
import { FastResponder, GENERAL } from "../../view/fast.ts";
import { Release } from "../../view/release.ts";
import { Cookies } from "../../wire/cookie.ts";
import { Control, counterIndex, READY, type GeneralQuery, type ToWorker, type WorkerSettings } from "./protocol.ts";
import { ADDRESS_SIZE, Batch } from "./batch.ts";
import { call } from "./libc.ts";
import { Sampler } from "./sampler.ts";
import { Poll } from "./socket.ts";
import { takeShortTurns } from "./time-slice.ts";

/**
 * A thread that answers sockets: receive a batch, answer from the tables, send a batch. It never returns to the event loop until it stops.
 */

/** Large, since answers to one asker leave together. */
const BATCH = 256;
/**
 * When queries come in crowds, the next are let gather so long, microseconds: fewer and larger batches, for a delay that no asker can
 * tell from the network's. Never after a full batch, when more are waiting already.
 */
const PAUSE = 200;
/** Queries in one batch that are a crowd. */
const CROWD = 8;
/** Larger than any answer over UDP, and than any query that is not a mistake. No power of two, or all slots would share few cache sets. */
const SLOT = 2048 + 64;

/** Octets of replaced tables that may wait for the next collection of garbage: a millisecond or two, since the heap is small. */
const MAX_REPLACED = 64 << 20;

const settings = workerData as WorkerSettings;
const port = parentPort!;
const control = new Int32Array(settings.control);
const counters = new Float64Array(settings.counters);
const cookies = new Cookies(settings.cookieSecret);
const responder = new FastResponder({ nsid: settings.nsid, cookies });
const release = new Release(MAX_REPLACED);
const guard = new Guard(cookies, new Float64Array(settings.guardCounters));
const slowLane = new SlowLane(cookies);
const sampler = new Sampler(new Float64Array(settings.samples));
const sockets = settings.sockets.map((socket, index) => ({ ...socket, index, batch: new Batch(BATCH, SLOT, socket.wildcard) }));
const poll = new Poll(sockets.map(({ fd }) => fd));
type Socket = (typeof sockets)[number];

function readMessages(): void {
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
    const message = received.message as ToWorker;
    if (message.kind === "zone") release.drop(responder.setZone(message.origin, message.table));
    else if (message.kind === "guard") guard.set(message.settings);
    else responder.setLoading(message.loading);
  }
}

/**
 * Lets the main thread answer a query.
 * @param fault what went wrong when this thread tried to
 */
function passOn({ index, ipv6, batch }: Socket, slot: number, length: number, now: number, fault?: unknown): void {
  const client = slot * ADDRESS_SIZE + (ipv6 ? 8 : 4);
  if (!slowLane.admits(Atomics.load(control, Control.PENDING), batch.addresses, client, ipv6 ? 16 : 4, now)) {
    const away = slowLane.sendAway(batch.queries, slot * SLOT, length, batch.answers, slot * SLOT, batch.addresses, client, ipv6 ? 16 : 4, now);
    batch.setAnswer(slot, away);
    Atomics.add(control, away === 0 ? Control.DROPPED : Control.SENT_AWAY, 1);
    return;
  }
  Atomics.add(control, Control.PENDING, 1);
  const query: GeneralQuery = {
    socket: index,
    message: batch.queries.slice(slot * SLOT, slot * SLOT + length),
    route: batch.copyRoute(slot),
    ...(fault === undefined ? {} : { fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) }),
  };
  port.postMessage(query);
}

function answerOne(socket: Socket, i: number, now: number): void {
  const { ipv6, batch } = socket;
  const length = batch.queryLength(i);
  const client = i * ADDRESS_SIZE + (ipv6 ? 8 : 4);
  if (guard.active) {
    const guarded = guard.check(batch.queries, i * SLOT, length, batch.answers, i * SLOT, batch.addresses, client, ipv6 ? 16 : 4, now);
    if (guarded !== PASS) {
      batch.setAnswer(i, guarded);
      return;
    }
  }
  const answered = responder.answer(batch.queries, i * SLOT, length, batch.answers, i * SLOT, 0, batch.addresses, client, ipv6 ? 16 : 4);
  batch.setAnswer(i, answered);
  if (answered === GENERAL) passOn(socket, i, length, now);
  else {
    const counter = counterIndex(responder.type, responder.rcode);
    counters[counter] = counters[counter]! + 1;
  }
}

/** Answers what has come to a socket, a batch of it. @param wait for something to come @returns how much that was */
function answerBatch(socket: Socket, wait: boolean): number {
  const { fd, batch } = socket;
  const count = batch.receive(fd, wait);
  const start = count > 0 && sampler.isDue(count) ? performance.now() : 0;
  // also when nobody has asked: what is replaced must not stay in memory until then
  const messages = Atomics.load(control, Control.MESSAGES);
  if (messages !== seen) {
    seen = messages;
    readMessages();
  }
  if (count === 0) return 0;
  const now = Date.now();
  responder.setTime(Math.floor(now / 1000));
  for (let i = 0; i < count; i++) {
    try {
      answerOne(socket, i, now);
    } catch (error) {
      // one question's trouble, not that of the batch it came in
      batch.setAnswer(i, 0);
      passOn(socket, i, batch.queryLength(i), now, error);
    }
  }
  batch.send(fd, count);
  if (start !== 0) sampler.take(batch.lengths, count, (performance.now() - start) / 1000);
  return count;
}

/** @param busiest number of queries in the largest batch of this round */
function pauseFor(busiest: number): void {
  if (busiest >= CROWD && busiest < BATCH) call.usleep(PAUSE);
}

takeShortTurns();
let seen = Atomics.load(control, Control.MESSAGES);
readMessages();
port.postMessage(READY);
while (Atomics.load(control, Control.STOP) === 0) {
  // with one socket the receive itself can wait: one system call less for each batch
  if (sockets.length === 1) {
    pauseFor(answerBatch(sockets[0]!, true));
    continue;
  }
  let busiest = 0;
  for (let i = 0; i < sockets.length; i++) busiest = Math.max(busiest, answerBatch(sockets[i]!, false));
  pauseFor(busiest);
  if (busiest < CROWD) poll.wait();
}
port.close();
