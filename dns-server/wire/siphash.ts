/** SipHash-2-4 on 32-bit halves: the hash that server cookies are made with (RFC 9018 section 4.4). */
export class SipHash {
  private readonly key: Int32Array;
  private readonly state = new Int32Array(8);

  /** @param key 16 octets */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new Error("a SipHash key has 16 octets");
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    this.key = Int32Array.from({ length: 4 }, (_, i) => view.getInt32(4 * i, true));
  }

  /** Hashes `length` octets from `start` and writes the 8 octets of the hash (little endian) to `out` at `at`. Allocates nothing. */
  hash(data: Uint8Array, start: number, length: number, out: Uint8Array, at: number): void {
    const { key, state: v } = this;
    v[0] = key[0]! ^ 0x70736575;
    v[1] = key[1]! ^ 0x736f6d65;
    v[2] = key[2]! ^ 0x6e646f6d;
    v[3] = key[3]! ^ 0x646f7261;
    v[4] = key[0]! ^ 0x6e657261;
    v[5] = key[1]! ^ 0x6c796765;
    v[6] = key[2]! ^ 0x79746573;
    v[7] = key[3]! ^ 0x74656462;
    const end = start + length;
    let offset = start;
    for (; offset + 8 <= end; offset += 8) this.block(word(data, offset, offset + 4), word(data, offset + 4, offset + 8));
    const middle = Math.min(offset + 4, end);
    this.block(word(data, offset, middle), word(data, middle, end) | (length << 24));
    v[4] = v[4]! ^ 0xff;
    for (let round = 0; round < 4; round++) sipRound(v);
    const low = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
    const high = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
    for (let i = 0; i < 4; i++) {
      out[at + i] = low >>> (8 * i);
      out[at + 4 + i] = high >>> (8 * i);
    }
  }

  private block(low: number, high: number): void {
    const v = this.state;
    v[6] = v[6]! ^ low;
    v[7] = v[7]! ^ high;
    sipRound(v);
    sipRound(v);
    v[0] = v[0]! ^ low;
    v[1] = v[1]! ^ high;
  }
}

/** Up to four octets, little endian. */
function word(data: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value |= data[i]! << (8 * (i - start));
  return value;
}

/** One round; each 64-bit word is a low and a high half. */
function sipRound(v: Int32Array): void {
  let l0 = v[0]!,
    h0 = v[1]!,
    l1 = v[2]!,
    h1 = v[3]!,
    l2 = v[4]!,
    h2 = v[5]!,
    l3 = v[6]!,
    h3 = v[7]!;
  let sum = (l0 >>> 0) + (l1 >>> 0);
  h0 = (h0 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
  l0 = sum | 0;
  let low = (l1 << 13) | (h1 >>> 19);
  h1 = ((h1 << 13) | (l1 >>> 19)) ^ h0;
  l1 = low ^ l0;
  low = h0;
  h0 = l0;
  l0 = low;
  sum = (l2 >>> 0) + (l3 >>> 0);
  h2 = (h2 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
  l2 = sum | 0;
  low = (l3 << 16) | (h3 >>> 16);
  h3 = ((h3 << 16) | (l3 >>> 16)) ^ h2;
  l3 = low ^ l2;
  sum = (l0 >>> 0) + (l3 >>> 0);
  h0 = (h0 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
  l0 = sum | 0;
  low = (l3 << 21) | (h3 >>> 11);
  h3 = ((h3 << 21) | (l3 >>> 11)) ^ h0;
  l3 = low ^ l0;
  sum = (l2 >>> 0) + (l1 >>> 0);
  h2 = (h2 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
  l2 = sum | 0;
  low = (l1 << 17) | (h1 >>> 15);
  h1 = ((h1 << 17) | (l1 >>> 15)) ^ h2;
  l1 = low ^ l2;
  low = h2;
  h2 = l2;
  l2 = low;
  v[0] = l0;
  v[1] = h0;
  v[2] = l1;
  v[3] = h1;
  v[4] = l2;
  v[5] = h2;
  v[6] = l3;
  v[7] = h3;
}
