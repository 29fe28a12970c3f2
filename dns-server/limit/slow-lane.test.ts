import { expect, test } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { parseAddress } from "../wire/address.ts";
import { Cookies } from "../wire/cookie.ts";
import { SlowLane } from "./slow-lane.ts";

const lane = (): ((address: string, waiting: number, now: number) => boolean) => {
  const slow = new SlowLane(new Cookies(new Uint8Array(16)));
  return (address, waiting, now) => slow.admits(waiting, parseAddress(address), 0, parseAddress(address).length, now);
};

test("as long as the slow way keeps up nobody is limited", () => {
  const admits = lane();
  let turnedAway = 0;
  for (let i = 0; i < 100_000; i++) if (!admits("192.0.2.1", 100, 1)) turnedAway++;
  expect(turnedAway).toBe(0);
});

test("when it does not, one network has its rate, and another one too; nobody beyond the room", () => {
  const admits = lane();
  let admitted = 0;
  for (let i = 0; i < 5000; i++) if (admits("192.0.2.1", 128, 1000)) admitted++;
  expect(admitted).toBe(1000);
  expect(admits("2001:db8::1", 128, 1000)).toBe(true);
  expect(admits("2001:db8:1::1", 256, 1000)).toBe(false);
  // for a moment also when there is less to do, or a flood would fill it up to the mark all the time
  expect(admits("192.0.2.2", 0, 1100)).toBe(true);
  for (let i = 0; i < 2000; i++) admits("192.0.2.1", 0, 1100);
  expect(admits("192.0.2.1", 0, 1100)).toBe(false);
  expect(admits("192.0.2.1", 0, 1400)).toBe(true);
});

test("who has to go is told to come by TCP; what is no question gets nothing", () => {
  const slow = new SlowLane(new Cookies(new Uint8Array(16)));
  const out = Buffer.alloc(512);
  const send = (query: Buffer): Buffer => out.subarray(0, slow.sendAway(query, 0, query.length, out, 0, parseAddress("::1"), 0, 16, 1000));
  const query = encodeQuery("www.example", "ANY", 77);
  const answer = send(query);
  expect([answer.readUInt16BE(0), answer[2]! & 0x82, answer.readUInt16BE(4), answer.readUInt16BE(6)]).toEqual([77, 0x82, 1, 0]);
  expect(answer.subarray(12)).toEqual(query.subarray(12));
  const update = Buffer.from(query);
  update[2] = 5 << 3;
  expect(send(update)).toHaveLength(0);
  expect(send(Buffer.alloc(12))).toHaveLength(0);
});
