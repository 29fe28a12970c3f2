/**
 * Time and size of one answer in so many: to look at a clock for each would cost as much as a part of the answer. The counts are in memory
 * that threads share.
 */
export const SAMPLED = 64;

/** Upper bounds of buckets, seconds. */
export const SECONDS = [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01];
/** Upper bounds of buckets, octets. */
export const BYTES = [64, 128, 256, 512, 768, 1024, 1232];

/** Of one histogram: a count for each bucket and one for what is above them, then the sum. */
const wordsOf = (bounds: readonly number[]): number => bounds.length + 2;
const BYTES_AT = wordsOf(SECONDS);
/** 64-bit floating-point numbers that samples are counted in. */
export const SAMPLE_WORDS = BYTES_AT + wordsOf(BYTES);

/** What was counted in one histogram. */
export interface Histogram {
  /** By bucket; the last is of what is above all bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts every so many-th answer of a thread, whatever batches they come in. */
export class Sampler {
  private readonly words: Float64Array;
  /** Answers of the batches to come until the next sample. */
  private next = 0;

  /** @param words shared with who reads them */
  constructor(words: Float64Array) {
    this.words = words;
  }

  /** Whether one of the next answers is to be sampled. */
  isDue(count: number): boolean {
    if (this.next < count) return true;
    this.next -= count;
    return false;
  }

  /** Takes the samples of a batch that is due. @param lengths of its answers; 0: none @param seconds that the batch took */
  take(lengths: Int32Array, count: number, seconds: number): void {
    for (; this.next < count; this.next += SAMPLED) {
      const length = lengths[this.next]!;
      if (length === 0) continue;
      this.add(0, SECONDS, seconds);
      this.add(BYTES_AT, BYTES, length);
    }
    this.next -= count;
  }

  private add(at: number, bounds: readonly number[], value: number): void {
    const { words } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    words[at + bucket] = words[at + bucket]! + 1;
    words[at + bounds.length + 1] = words[at + bounds.length + 1]! + value;
  }
}

/** What samplers have counted, together. */
export function readSamples(all: readonly Float64Array[]): { readonly seconds: Histogram; readonly bytes: Histogram } {
  const sum = (at: number): number => all.reduce((total, words) => total + words[at]!, 0);
  const read = (at: number, bounds: readonly number[]): Histogram => ({
    counts: Array.from({ length: bounds.length + 1 }, (_, bucket) => sum(at + bucket)),
    sum: sum(at + bounds.length + 1),
  });
  return { seconds: read(0, SECONDS), bytes: read(BYTES_AT, BYTES) };
}
