import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Type } from "../wire/constants.ts";
import { parseName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import type { RRset } from "../zone/node.ts";
import { validate } from "../testing/validate.ts";
import { dsRdata, keyRecords, newKey, readKeyFile, signingKey, writeKeyFile } from "./key.ts";
import { rrsigRdata } from "./signatures.ts";

const folder = mkdtempSync(join(tmpdir(), "peakdns-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
const zone = parseName("example.net");

describe("the example of RFC 6605 section 6.1", () => {
  const base64url = (text: string): string => Buffer.from(text, "base64").toString("base64url");
  const key = signingKey(
    createPrivateKey({
      format: "jwk",
      key: {
        kty: "EC",
        crv: "P-256",
        d: base64url("GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="),
        x: base64url("GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6ec="),
        y: base64url("W5K0qkKReuHGG3Ae8DXD/nvjAJy6/lovcTFskC3PDQA="),
      },
    }),
  );
  const www = { owner: parseName("www.example.net"), type: Type.A, ttl: 3600, rdatas: [Uint8Array.of(192, 0, 2, 1)] };
  const period = { inception: Date.UTC(2010, 7, 12, 10, 4, 39) / 1000, expiration: Date.UTC(2010, 8, 9, 10, 4, 39) / 1000 };
  const now = period.inception + 1;

  test("has its key tag and DS", () => {
    expect(key.tag).toBe(55648);
    expect(formatRdata(Type.DS, dsRdata(zone, key))).toBe("55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
  });
  test("its signature validates, and ours differs only in the signature itself", () => {
    const signature = Buffer.from("qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==", "base64");
    const ours = rrsigRdata(www.owner, www, zone, key, period);
    const theirs = Buffer.concat([ours.subarray(0, ours.length - 64), signature]);
    for (const rrsig of [ours, theirs]) expect(validate(www, rrsig, [key.dnskey], zone, now)).toBeUndefined();
  });
  test("a signature holds for its records, their owner, its time and its key alone", () => {
    const rrsig = rrsigRdata(www.owner, www, zone, key, period);
    const check = (set: Partial<RRset & { owner: typeof zone }>, at = now, dnskey = key.dnskey) =>
      validate({ ...www, ...set }, rrsig, [dnskey], zone, at);
    expect(check({ rdatas: [Uint8Array.of(192, 0, 2, 2)] })).toBe("the signature does not fit");
    expect(check({ owner: parseName("ww2.example.net") })).toBe("the signature does not fit");
    expect(check({}, period.expiration + 1)).toBe("it does not hold at this time");
    expect(check({}, period.inception - 1)).toBe("it does not hold at this time");
    expect(check({}, now, newKey().dnskey)).toBe("the signature does not fit");
  });
});

describe("key files", () => {
  test("are read back, for their owner's eyes only, and tell their public records", () => {
    const key = newKey();
    const file = join(folder, "key.pem");
    writeKeyFile(file, zone, key);
    expect(readKeyFile(file)).toMatchObject({ dnskey: key.dnskey, tag: key.tag });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const comments = readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => (line.startsWith("; ") ? [line.slice(2)] : []));
    expect(parseMasterFile(comments.join("\n"), { file }).records.map(({ rdata }) => rdata)).toEqual([key.dnskey, dsRdata(zone, key)]);
  });
  test("are never overwritten", () => {
    const file = join(folder, "twice.pem");
    writeKeyFile(file, zone, newKey());
    expect(() => writeKeyFile(file, zone, newKey())).toThrow(/^cannot write the key: EEXIST/);
  });
  test.each([
    ["a file that is not there", undefined, /^cannot read the key: ENOENT/],
    ["no key", "text", /no-key.pem has no usable key: .*; `peakdns keygen dnssec` makes one$/],
    [
      "a key of another kind",
      generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
      /it is no private key on the curve P-256/,
    ],
    [
      "a key on another curve",
      generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
      /it is no private key on the curve P-256/,
    ],
    ["a public key", newKey().privateKey.export({ format: "pem", type: "pkcs8" }).toString().replaceAll("PRIVATE", "PUBLIC"), /has no usable key/],
  ])("%s is refused", (_, text, message) => {
    const file = join(folder, "no-key.pem");
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    expect(() => readKeyFile(file)).toThrow(message);
  });
});

describe("what tells of the keys", () => {
  const [first, second] = [newKey(), newKey()] as const;
  const shown = (withdraw: boolean): string[] =>
    keyRecords(zone, [first, second], withdraw).map(({ type, rdata }) => `${type} ${formatRdata(type, rdata)}`);

  test("DNSKEY, CDS and CDNSKEY of every key", () => {
    const records = keyRecords(zone, [first, second], false);
    const of = (type: number): Uint8Array[] => records.filter((record) => record.type === type).map(({ rdata }) => rdata);
    expect(of(Type.DNSKEY)).toEqual([first.dnskey, second.dnskey]);
    expect(of(Type.CDNSKEY)).toEqual([first.dnskey, second.dnskey]);
    expect(of(Type.CDS)).toEqual([dsRdata(zone, first), dsRdata(zone, second)]);
    expect(records.length).toBe(6);
  });
  test("the request to remove the DS records (RFC 8078 section 4)", () => {
    expect(shown(true).slice(2)).toEqual([`${Type.CDS} 0 0 0 00`, `${Type.CDNSKEY} 0 3 0 AA==`]);
  });
});
