import { sign } from "node:crypto";
import { Type } from "../wire/constants.ts";
import { nameBytes, type Name } from "../wire/name.ts";
import type { RRset } from "../zone/node.ts";
import { canonicalRecords, labelCount } from "./canonical.ts";
import { ALGORITHM, type SigningKey } from "./key.ts";

/** How far the clock of a validator may be behind ours, seconds. */
const INCEPTION_SKEW = 3600;

/** Types that tell of the keys: every key signs them, so that a chain of trust through any of them holds. */
const KEY_TYPES = new Set<number>([Type.DNSKEY, Type.CDS, Type.CDNSKEY]);

export interface SigningSettings {
  /** Folded. */
  readonly origin: Name;
  /** The first signs everything, each signs what tells of the keys. */
  readonly keys: readonly SigningKey[];
  /** How long a signature holds at most, seconds. It is made anew when between an eighth and a quarter of that is left. */
  readonly validity: number;
}

/** When a signature holds, seconds since 1970. */
interface Period {
  readonly inception: number;
  readonly expiration: number;
}

/** Data of an RRSIG record (RFC 4034 section 3). @param owner folded */
export function rrsigRdata(owner: Name, rrset: RRset, origin: Name, key: SigningKey, { inception, expiration }: Period): Uint8Array {
  const head = Buffer.alloc(18);
  head.writeUInt16BE(rrset.type);
  head[2] = ALGORITHM;
  head[3] = labelCount(owner);
  head.writeUInt32BE(rrset.ttl, 4);
  head.writeUInt32BE(expiration % 2 ** 32, 8);
  head.writeUInt32BE(inception % 2 ** 32, 12);
  head.writeUInt16BE(key.tag, 16);
  const prefix = Buffer.concat([head, nameBytes(origin)]);
  const signed = Buffer.concat([prefix, canonicalRecords(owner, rrset)]);
  return Buffer.concat([prefix, sign("sha256", signed, { key: key.privateKey, dsaEncoding: "ieee-p1363" })]);
}

/** Since the start. */
export interface SignatureCounts {
  readonly made: number;
  readonly reused: number;
  /** Not made, since they might not be. */
  readonly limited: number;
  /** How many there are now. */
  readonly kept: number;
}

interface KeptSignature {
  readonly rrset: RRset;
  readonly signature: RRset;
  readonly madeAt: number;
  readonly refreshAt: number;
}

/** Signatures, made on first use and kept while the RRset stays the same and they hold. */
export class Signatures {
  /** Signatures to keep at most; the oldest go first. */
  limit: number;
  private readonly settings: SigningSettings;
  private readonly kept = new Map<string, KeptSignature>();
  private made = 0;
  private reused = 0;
  private limited = 0;

  constructor(settings: SigningSettings, limit: number) {
    this.settings = settings;
    this.limit = limit;
  }

  counts(): SignatureCounts {
    const { made, reused, limited, kept } = this;
    return { made, reused, limited, kept: kept.size };
  }

  /**
   * The RRSIG records of an RRset.
   * @param owner folded
   * @param may asked before a signature is made; always when absent
   * @returns undefined when it may not be made
   */
  of(owner: Name, rrset: RRset, may?: () => boolean): RRset | undefined {
    const now = Math.floor(Date.now() / 1000);
    const key = String.fromCharCode(rrset.type) + owner;
    const known = this.kept.get(key);
    // a clock that was set back makes signatures that are not valid yet
    if (known && now >= known.madeAt && now < known.refreshAt && isSame(known.rrset, rrset)) {
      this.reused++;
      return known.signature;
    }
    if (may && !may()) {
      this.limited++;
      return undefined;
    }
    this.made++;
    const { origin, keys, validity } = this.settings;
    // not all at once when they run out
    const expiration = now + validity - Math.floor((Math.random() * validity) / 8);
    const period = { inception: now - INCEPTION_SKEW, expiration };
    const signers = KEY_TYPES.has(rrset.type) ? keys : keys.slice(0, 1);
    const rdatas = signers.map((signer) => rrsigRdata(owner, rrset, origin, signer, period));
    const signature: RRset = { type: Type.RRSIG, ttl: rrset.ttl, rdatas };
    this.kept.delete(key);
    this.kept.set(key, { rrset, signature, madeAt: now, refreshAt: now + Math.floor(validity * 0.75) });
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.limit) break;
      this.kept.delete(oldest);
    }
    return signature;
  }
}

const isSame = (a: RRset, b: RRset): boolean =>
  a === b ||
  (a.ttl === b.ttl && a.rdatas.length === b.rdatas.length && a.rdatas.every((rdata, i) => Buffer.compare(rdata, b.rdatas[i]!) === 0));
