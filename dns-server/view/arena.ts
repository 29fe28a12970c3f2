/** Octets of room for changes at the least. */
const MIN_ROOM = 1 << 12;

/**
 * Memory that is written from front to back and shared with other threads. What has been written and told of is never written again, so
 * that whoever reads it sees it whole.
 */
export class Arena {
  words: Int32Array<SharedArrayBuffer>;
  octets: Uint8Array<SharedArrayBuffer>;
  private used = 0;
  private sealed = false;

  constructor(octets: number) {
    const block = new SharedArrayBuffer(4 * Math.ceil(Math.max(octets, MIN_ROOM) / 4));
    this.words = new Int32Array(block);
    this.octets = new Uint8Array(block);
  }

  get block(): SharedArrayBuffer {
    return this.words.buffer;
  }

  /** Octets in use. */
  get size(): number {
    return 4 * this.used;
  }

  /** Ends the time in which the block may still be exchanged for a larger one, and leaves room for changes. */
  seal(): void {
    // pages that nobody writes to cost no memory
    if (this.words.length - this.used < this.used / 2) this.grow(2 * this.used);
    this.sealed = true;
  }

  /** @returns index of the first of so many words, all 0; undefined when a sealed arena is full */
  allocate(words: number): number | undefined {
    const at = this.used;
    if (at + words > this.words.length) {
      if (this.sealed) return undefined;
      this.grow(2 * (at + words));
    }
    this.used += words;
    return at;
  }

  private grow(words: number): void {
    const larger = new Int32Array(new SharedArrayBuffer(4 * words));
    larger.set(this.words.subarray(0, this.used));
    this.words = larger;
    this.octets = new Uint8Array(larger.buffer);
  }
}
