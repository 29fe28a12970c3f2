import { mkdtemp, rm, stat, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mediaOf, writeMedia } from "./media.ts";

const urn = (type: string, name: string) => `urn:pulumi:pi-testbed::peak::${type}::${name}`;
const media = "peak:hardware:Testbed$peak:hardware:Board$peak:hardware:BootMedia";

test("media are found in a state that was exported in plain, and nothing else is", () => {
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", plaintext: JSON.stringify({ "user-data": "#cloud-config\n" }) };
  const resources = [
    { urn: urn("pulumi:pulumi:Stack", "peak-pi-testbed") },
    { urn: urn("peak:hardware:Testbed$peak:hardware:Board$pulumi:index:Stash", "service1"), parent: urn("peak:hardware:Board", "service1"), inputs: { input: {} } },
    { urn: urn(`${media}$pulumi:index:Stash`, "service1-media"), parent: urn(media, "service1-media"), inputs: { input: secret } },
  ];
  expect(mediaOf({ deployment: { resources } })).toEqual({ service1: { "user-data": "#cloud-config\n" } });
  expect(mediaOf({ deployment: { resources: null } })).toEqual({});
});

test("they are written for nobody but their owner", async () => {
  const directory = await mkdtemp(join(tmpdir(), "peak-media-"));
  try {
    await writeMedia(directory, { service1: { "user-data": "#cloud-config\n" } });
    expect(await readFile(join(directory, "service1", "user-data"), "utf8")).toBe("#cloud-config\n");
    expect((await stat(join(directory, "service1"))).mode & 0o077).toBe(0);
    expect((await stat(join(directory, "service1", "user-data"))).mode & 0o077).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
});
