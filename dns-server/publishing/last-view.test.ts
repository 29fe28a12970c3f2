import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { seededRandom } from "../testing/random-zone.ts";
import { formatName } from "../wire/name.ts";
import { LastViewFile } from "./last-view.ts";

/** Kills: each of them needs a process that has written for a moment. */
const KILLS = 25;

/** A process that writes one view after the other, each whole in itself: as many domains as targets as its number says, all with it as TTL. */
const WRITER = `
import { LastViewFile } from ${JSON.stringify(new URL("./last-view.ts", import.meta.url).href)};
import { parseName } from ${JSON.stringify(new URL("../wire/name.ts", import.meta.url).href)};
const [, file, from] = process.argv;
for (let number = Number(from) + 1; ; number++) {
  const origin = (i) => parseName("d" + i + ".peak.");
  const count = 20 + (number % 50);
  const ipv6 = new Uint8Array(16).fill(number % 256);
  const targets = Array.from({ length: count }, (_, i) => ({ key: "n/p" + i, label: "p" + i, ipv6, ipv4: undefined, ports: [] }));
  const common = { alias: undefined, onlyTop: false, ttl: number, chosen: targets, named: targets };
  const view = {
    published: targets.map((_, i) => ({ name: origin(i), origin: origin(i), ...common })),
    owners: new Map(targets.map((_, i) => [origin(i), { namespace: "n" + number, byWord: false }])),
  };
  const writer = new LastViewFile(file, () => view);
  writer.changed();
  await writer.stop();
  if (number === Number(from) + 1) process.stdout.write("wrote\\n");
}
`;

test("a writer that is killed at any moment leaves one of its views, whole", { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "peakdns-last-view-"));
  const file = join(folder, "view.json");
  const random = seededRandom(4);
  let number = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const command = ["--input-type=module", "-e", WRITER, "--", file, String(number)];
      const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
      const exited = once(child, "exit");
      try {
        await Promise.race([once(child.stdout, "data"), exited]);
        await sleep(random() * 30);
      } finally {
        child.kill("SIGKILL");
        await exited;
      }
      const reader = new LastViewFile(file, () => undefined);
      const read = reader.read();
      await reader.stop();
      const { published, owners } = read!;
      const found = published[0]!.ttl;
      // later ones than the first of this process, and never an earlier one
      expect(found).toBeGreaterThan(number);
      number = found;
      const count = 20 + (number % 50);
      expect(published.map(({ name }) => formatName(name))).toEqual(Array.from({ length: count }, (_, i) => `d${i}.peak.`));
      for (const { ttl, chosen, named } of published) {
        expect([ttl, chosen.length, named.length]).toEqual([number, count, count]);
        for (const { ipv6 } of chosen) expect(ipv6).toEqual(new Uint8Array(16).fill(number % 256));
      }
      expect([owners.size, new Set([...owners.values()].map(({ namespace }) => namespace))]).toEqual([count, new Set([`n${number}`])]);
    }
    // they were killed while they wrote, too, not only in between
    expect(number).toBeGreaterThan(KILLS);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
