/** Puts the two-octet length of DNS over TCP before a message. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(2 + message.length);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}

/** Cuts a TCP stream into messages, wherever the segments happen to end. Holds at most one unfinished message. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private held = 0;

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.held > 0;
  }

  /** Whether there is a whole message that was not taken. */
  get hasWhole(): boolean {
    return this.held >= 2 && this.held >= 2 + this.nextLength();
  }

  /** The messages that `chunk` completes. Those that are not taken come first at the next call. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.chunks.push(chunk);
    this.held += chunk.length;
    // joined only when a whole message is there, so that a stream of single octets costs no quadratic copying
    while (this.hasWhole) {
      const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
      const end = 2 + all.readUInt16BE();
      this.chunks = end < all.length ? [all.subarray(end)] : [];
      this.held -= end;
      yield all.subarray(2, end);
    }
  }

  private nextLength(): number {
    if (this.chunks[0]!.length < 2) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0]!.readUInt16BE();
  }
}
