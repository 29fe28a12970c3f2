import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEntries } from "../zone/lexer.ts";
import { Type, typeCode } from "./constants.ts";
import { parseName, ROOT } from "./name.ts";
import { expandRdata, formatRdata, isWellFormed, parseRdata } from "./rdata.ts";

const words = (text: string) => [...readEntries(text)][0]?.tokens ?? [];
const parse = (type: string, text: string): Uint8Array => parseRdata(typeCode(type)!, words(text), parseName("example."));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("record data", () => {
  test.each([
    ["A", "192.0.2.1", "c0000201", "192.0.2.1"],
    ["AAAA", "2001:DB8:0:0:1::1", "20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["AAAA", "::ffff:192.0.2.1", "00000000000000000000ffffc0000201", "::ffff:c000:201"],
    ["AAAA", "::", "0".repeat(32), "::"],
    ["NS", "ns", "026e73076578616d706c6500", "ns.example."],
    ["SOA", ". h. 1 1h 10m 1w 5", "00016800000000010000" + "0e10000002580009" + "3a8000000005", ". h. 1 3600 600 604800 5"],
    ["MX", "10 .", "000a00", "10 ."],
    ["TXT", '"a b" c\\"d \\255', "0361206203632264" + "01ff", '"a b" "c\\"d" "\\255"'],
    ["TXT", '""', "00", '""'],
    ["SRV", "1 2 80 x.", "0001000200500178" + "00", "1 2 80 x."],
    ["CAA", '0 issue "ca.example"', "000569737375656361" + "2e6578616d706c65", '0 issue "ca.example"'],
    ["NAPTR", '1 2 "s" "e" "!a!b!" .', "0001000201730165" + "052161216221" + "00", '1 2 "s" "e" "!a!b!" .'],
    ["DS", "1 13 2 AB cd", "00010d02abcd", "1 13 2 abcd"],
    ["SSHFP", "4 2 00ff", "040200ff", "4 2 00ff"],
    ["TLSA", "3 1 1 00 11", "0301010011", "3 1 1 0011"],
    [
      "LOC",
      "42 21 54 N 71 06 18 W -24m 30m",
      "00" + "33" + "16" + "13" + "89172dd0" + "70be15f0" + "00988d20",
      "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m",
    ],
    [
      "HTTPS",
      '1 . alpn="h2,h3" port=8443 ipv6hint=2001:db8::1',
      "000100" + "0001000602683202" + "6833" + "000300022" + "0fb" + "0006001020010db8000000000000000000000001",
      '1 . alpn="h2,h3" port=8443 ipv6hint=2001:db8::1',
    ],
    [
      "SVCB",
      '1 foo. mandatory=alpn,ipv4hint key667="a\\bc" alpn=h2 ipv4hint=192.0.2.1 no-default-alpn',
      "000103666f6f00" + "0000000400010004" + "00010003026832" + "00020000" + "00040004c0000201" + "029b0003616263",
      '1 foo. mandatory=alpn,ipv4hint alpn="h2" no-default-alpn ipv4hint=192.0.2.1 key667="abc"',
    ],
    ["TYPE65280", "\\# 3 abcdef", "abcdef", "\\# 3 abcdef"],
    ["TYPE65280", "\\# 0", "", "\\# 0"],
    ["A", "\\# 4 c0000201", "c0000201", "192.0.2.1"],
    ["RP", "me.example. .", "026d65076578616d706c650000", "me.example. ."],
    ["SPF", '"v=spf1 -all"', "0b763d73706631202d616c6c", '"v=spf1 -all"'],
    ["URI", '10 1 "https://a/"', "000a0001" + "68747470733a2f2f612f", '10 1 "https://a/"'],
    ["ZONEMD", "2018 1 1 00ff", "000007e2010100ff", "2018 1 1 00ff"],
    ["HINFO", "a b", "01610162", '"a" "b"'],
    ["DNSKEY", "257 3 13 AQID", "0101030d010203", "257 3 13 AQID"],
    // as BIND 9.18 prints them
    [
      "APL",
      "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0",
      "00011803c00002" + "0002208420010db8" + "00010000",
      "1:192.0.2.0/24 !2:2001:db8::/32 1:0.0.0.0/0",
    ],
    ["CERT", "PKIX 1 RSASHA256 AQ ID", "0001000108010203", "PKIX 1 RSASHA256 AQID"],
    ["CERT", "65535 1 0 AQID", "ffff000100010203", "65535 1 0 AQID"],
    ["CERT", "OID 1 INDIRECT AQID", "00fe0001fc010203", "OID 1 INDIRECT AQID"],
    ["CERT", "URI 1 PRIVATEOID AQID", "00fd0001fe010203", "URI 1 PRIVATEOID AQID"],
    ["MINFO", "a b.", "016107" + "6578616d706c6500" + "016200", "a.example. b."],
    ["X25", "311061700956", "0c333131303631373030393536", '"311061700956"'],
    ["ISDN", '"150862028003217" 004', "0f313530383632303238303033323137" + "03303034", '"150862028003217" "004"'],
    ["RT", "10 x.", "000a017800", "10 x."],
    ["PX", "10 a. b.", "000a016100" + "016200", "10 a. b."],
    ["KEY", "256 3 8 AQID", "01000308010203", "256 3 8 AQID"],
    ["DLV", "1 8 2 E2D3", "00010802e2d3", "1 8 2 e2d3"],
    ["RESINFO", "qnamemin exterr=15-17", "08716e616d656d696e" + "0c6578746572723d31352d3137", '"qnamemin" "exterr=15-17"'],
    ["DS", "1 ECDSAP256SHA256 2 ab", "00010d02ab", "1 13 2 ab"],
    ["CDNSKEY", "257 3 ed25519 AQID", "0101030f010203", "257 3 15 AQID"],
    ["EUI48", "00-00-5E-00-53-2a", "00005e00532a", "00-00-5e-00-53-2a"],
    ["EUI64", "00-00-5e-ef-10-00-00-2a", "00005eef1000002a", "00-00-5e-ef-10-00-00-2a"],
    ["IPSECKEY", "10 1 2 192.0.2.38 AQID", "0a0102c0000226010203", "10 1 2 192.0.2.38 AQID"],
    ["IPSECKEY", "10 0 2 . AQID", "0a0002010203", "10 0 2 . AQID"],
    ["IPSECKEY", "10 3 0 gw", "0a030002677707" + "6578616d706c6500", "10 3 0 gw.example."],
    ["HIP", "2 200100107B AwEA rvs.", "05020003200100107b" + "030100" + "0372767300", "2 200100107b AwEA rvs."],
    ["CSYNC", "66 3 A NS AAAA", "00000042" + "0003" + "000460000008", "66 3 A NS AAAA"],
    ["NID", "10 0014:4fff:ff20:ee64", "000a00144fffff20ee64", "10 14:4fff:ff20:ee64"],
    ["L32", "10 10.1.2.0", "000a0a010200", "10 10.1.2.0"],
    ["L64", "10 2001:0DB8:1140:1000", "000a20010db811401000", "10 2001:db8:1140:1000"],
    ["LP", "10 l64.", "000a036c363400", "10 l64."],
    ["DSYNC", "CDS NOTIFY 5359 s.", "003b0114ef017300", "CDS NOTIFY 5359 s."],
    ["AMTRELAY", "10 0 2 2001:db8::15", "0a0220010db8000000000000000000000015", "10 0 2 2001:db8::15"],
    ["AMTRELAY", "128 1 0 .", "8080", "128 1 0 ."],
    ["AMTRELAY", "10 1 3 r.", "0a83017200", "10 1 3 r."],
    ["SVCB", "1 . dohpath=/q{?dns} ohttp alpn=h2", "000100" + "00010003026832" + "000700082f717b3f646e737d" + "00080000", '1 . alpn="h2" dohpath="/q{?dns}" ohttp'],
    [
      "RRSIG",
      "SOA 13 2 1h 20261227203425 1795818865 12345 example. AQID",
      "00060d02" + "00000e10" + "6b317651" + "6b0a0571" + "3039" + "076578616d706c6500" + "010203",
      "SOA 13 2 3600 20261227203425 20261127223425 12345 example. AQID",
    ],
    ["NSEC", "a. A RRSIG TYPE65280", "016100" + "0006400000000002" + "ff0180", "a. A RRSIG TYPE65280"],
    ["NSEC3", "1 0 5 - 00000004 A", "01000005" + "00" + "050000000004" + "000140", "1 0 5 - 00000004 A"],
    ["NSEC3PARAM", "1 0 0 ABCD", "0100000002abcd", "1 0 0 abcd"],
  ])("%s %s", (type, text, wire, shown) => {
    const rdata = parse(type, text);
    expect(hex(rdata)).toBe(wire);
    expect(formatRdata(typeCode(type)!, rdata)).toBe(shown);
  });

  test.each([
    ["A", "192.0.2.256"],
    ["A", "192.0.2.1 x"],
    ["A", ""],
    ["AAAA", "1::2::3"],
    ["AAAA", "fe80::1%eth0"],
    ["MX", "65536 a."],
    ["MX", "10"],
    ["TXT", "x".repeat(256)],
    ["TXT", ""],
    ["CAA", '0 is-sue "x"'],
    ["DS", "1 13 2 abc"],
    ["DS", "1 13 2"],
    ["SOA", "a. b. 1 2 3 4"],
    ["TYPE65280", "x"],
    ["A", "\\# 3 c00002"],
    ["TYPE65280", "\\# 2 ab"],
    ["LOC", "91 N 0 E 0m"],
    ["LOC", "1 N 1 E"],
    ["HTTPS", "1 . port=x"],
    ["HTTPS", "1 . port=1 port=2"],
    ["HTTPS", "1 . mandatory=port"],
    ["HTTPS", "1 . alpn"],
    ["HTTPS", "1 . nonsense=1"],
    ["DNSKEY", "257 3 13 A"],
    ["SRV", "1 2 80 a..b"],
    ["APL", "1:192.0.2.0/33"],
    ["APL", "3:00/8"],
    ["EUI48", "00-00-5e-00-53"],
    ["IPSECKEY", "10 0 2 gw AQID"],
    ["IPSECKEY", "10 4 2 . AQID"],
    ["NID", "10 1:2:3"],
    ["AMTRELAY", "10 2 0 ."],
    ["CSYNC", "66 3 NONSENSE"],
    ["HIP", "2 200 AwEA"],
    ["SVCB", "1 . dohpath=dns-query{?dns}"],
    ["SVCB", "1 . dohpath=/dns-query"],
    ["SVCB", "1 . ohttp=x"],
  ])("refuses %s %s", (type, text) => expect(() => parse(type, text)).toThrow());

  test.each([
    ["MB", ""],
    ["MINFO", ""],
    ["RT", "000a"],
    ["RP", ""],
    ["AFSDB", "0001"],
    ["SRV", "000100020050"],
    ["NAPTR", "00010002000000"],
  ])("a name that another server has compressed is written out: %s", (type, before) => {
    const code = typeCode(type)!;
    const target = Buffer.from("\x03www\x07example\0", "latin1");
    const fields = Buffer.from(before, "hex");
    const isTwo = type === "MINFO" || type === "RP";
    const data = Buffer.concat([fields, Uint8Array.of(0xc0, 12), ...(isTwo ? [Uint8Array.of(0xc0, 16)] : [])]);
    const message = Buffer.concat([Buffer.alloc(12), target, data]);
    const rdata = expandRdata(message, code, 12 + target.length, message.length)!;
    expect(hex(rdata)).toBe(hex(Buffer.concat([fields, target, ...(isTwo ? [target.subarray(4)] : [])])));
    expect(isWellFormed(code, rdata)).toBe(true);
  });

  test("any octets of any type have a presentation form that gives them back", () => {
    const type = fc.oneof(
      fc.constantFrom(...Object.values(Type).filter((code) => code < 100 || code > 255)),
      fc.integer({ min: 256, max: 65_535 }),
    );
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 80 }), (code, bytes) => {
        const shown = formatRdata(code, bytes);
        let again: Uint8Array | undefined;
        try {
          again = parseRdata(code, words(shown), ROOT);
        } catch {
          // ill-formed data of a known type is shown in generic form, which is refused as input
          expect(shown).toMatch(/^\\#/);
        }
        if (again) expect(hex(again)).toBe(hex(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
