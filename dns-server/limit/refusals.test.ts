import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAddress, parsePrefix } from "../wire/address.ts";
import { RefusalAction } from "./guard.ts";
import { lookupPrefix, type PrefixTable } from "./prefix-table.ts";
import { Refusals } from "./refusals.ts";

let file: string;
let table: PrefixTable;
const open = (path?: string): Refusals => new Refusals(path, (fresh) => (table = fresh));
const action = (text: string): number => {
  const address = parseAddress(text);
  return lookupPrefix(table, address, 0, address.length);
};
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), "peakdns-refusals-")), "refusals.json");
  vi.useFakeTimers({ now: new Date("2026-01-01T00:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(join(file, ".."), { recursive: true });
});

describe("refusals", () => {
  test("are in force until they end or are taken away", () => {
    const refusals = open();
    refusals.add(parsePrefix("2001:db8::/32"), "refuse", undefined);
    refusals.add(parsePrefix("2001:db8:1::/48"), "drop", new Date("2026-01-01T01:00:00Z"));
    expect(refusals.list()).toEqual([
      { prefix: "2001:db8::/32", action: "refuse" },
      { prefix: "2001:db8:1::/48", action: "drop", until: "2026-01-01T01:00:00.000Z" },
    ]);
    expect(action("2001:db8:1::1")).toBe(RefusalAction.drop);
    vi.advanceTimersByTime(3600_000);
    expect([action("2001:db8:1::1"), refusals.list().length]).toEqual([RefusalAction.refuse, 1]);
    refusals.remove(parsePrefix("2001:db8::5/32"));
    expect(table).toHaveLength(0);
    expect(() => refusals.remove(parsePrefix("2001:db8::/32"))).toThrow("2001:db8::/32 itself is not refused");
  });
  test("a prefix named again takes the new action and time", () => {
    const refusals = open();
    refusals.add(parsePrefix("192.0.2.1"), "drop", new Date("2026-01-01T00:00:10Z"));
    refusals.add(parsePrefix("192.0.2.1/32"), "refuse", undefined);
    vi.advanceTimersByTime(3600_000);
    expect(refusals.list()).toEqual([{ prefix: "192.0.2.1/32", action: "refuse" }]);
  });
  test("last over a restart where there is a file, but for those that have ended", () => {
    const refusals = open(file);
    refusals.add(parsePrefix("2001:db8::/32"), "refuse", new Date("2026-01-01T01:00:00Z"));
    refusals.add(parsePrefix("192.0.2.0/24"), "drop", undefined);
    refusals.close();
    expect(open(file).list()).toHaveLength(2);
    vi.setSystemTime(new Date("2026-01-01T02:00:00Z"));
    expect(open(file).list()).toEqual([{ prefix: "192.0.2.0/24", action: "drop" }]);
  });
  test("a faulty file is one message with its name, and stays as it is", () => {
    for (const text of ["[", '[{"prefix": "nonsense", "action": "drop"}]', '[{"prefix": "::/0", "action": "beat"}]']) {
      writeFileSync(file, text);
      expect(() => open(file)).toThrow(`refusals: ${file} is faulty`);
      expect(readFileSync(file, "utf8")).toBe(text);
    }
  });
  test("what cannot be kept is in force all the same, and said", () => {
    const refusals = open("/nowhere/refusals.json");
    expect(() => refusals.add(parsePrefix("2001:db8::/32"), "drop", undefined)).toThrow(
      "the change is in force, but lost at the next restart",
    );
    expect(action("2001:db8::1")).toBe(RefusalAction.drop);
  });
});
