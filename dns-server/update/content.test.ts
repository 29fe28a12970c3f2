import { expect, test } from "vitest";
import { Class, Type } from "../wire/constants.ts";
import { foldName, parseName } from "../wire/name.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { checkPrerequisites, Content, planUpdates } from "./content.ts";

test("a message with very many records of one name looks at each a few times, not at all for each", () => {
  const name = foldName(parseName("a.peak."));
  const count = 1000;
  const address = (i: number): Uint8Array => Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255);
  let looks = 0;
  const record = (i: number): ZoneRecord => ({
    name,
    type: Type.A,
    ttl: 60,
    get rdata() {
      looks++;
      return address(i);
    },
  });
  const content = new Content(Array.from({ length: count }, (_, i) => record(i)));
  const messages = [
    (i: number) => ({ name, type: Type.A, class: Class.IN, ttl: 60, rdata: address(count + i) }),
    (i: number) => ({ name, type: Type.A, class: Class.IN, ttl: i, rdata: address(i) }),
    (i: number) => ({ name, type: Type.A, class: Class.NONE, ttl: 0, rdata: address(i) }),
  ];
  for (const message of messages) {
    const updates = Array.from({ length: count }, (_, i) => message(i));
    content.apply(planUpdates(content, parseName("peak."), updates, () => undefined));
  }
  expect(content.at(name)).toHaveLength(count);
  const exact = Array.from({ length: count }, (_, i) => ({ name, type: Type.A, class: Class.IN, ttl: 0, rdata: address(count + i) }));
  expect(checkPrerequisites(content, exact)).toBeUndefined();
  expect(looks).toBeLessThan(50 * count);
});
