import { expect, test } from "vitest";
import { readSamples, Sampler, SAMPLED, SAMPLE_WORDS } from "./sampler.ts";

test("one answer in so many is counted, whatever the batches", () => {
  const words = new Float64Array(SAMPLE_WORDS);
  const sampler = new Sampler(words);
  const lengths = new Int32Array(256).fill(100);
  let answers = 0;
  let timed = 0;
  for (let i = 0; answers < 100 * SAMPLED; i++) {
    const count = Math.min(1 + ((i * 37) % 256), 100 * SAMPLED - answers);
    if (sampler.isDue(count)) {
      sampler.take(lengths, count, 0.000_03);
      timed++;
    }
    answers += count;
  }
  const { seconds, bytes } = readSamples([words, words]);
  expect(seconds).toMatchObject({ counts: [0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0] });
  expect(seconds.sum).toBeCloseTo(200 * 0.000_03);
  expect(bytes).toEqual({ counts: [0, 200, 0, 0, 0, 0, 0, 0], sum: 20_000 });
  expect(timed).toBeLessThanOrEqual(100);
});

test("what is not answered has no time and no size; what is above all bounds counts", () => {
  const words = new Float64Array(SAMPLE_WORDS);
  const sampler = new Sampler(words);
  sampler.take(Int32Array.of(0), 1, 1);
  expect(readSamples([words]).bytes.counts.every((count) => count === 0)).toBe(true);
  for (let i = 1; i < SAMPLED; i++) expect(sampler.isDue(1)).toBe(false);
  expect(sampler.isDue(1)).toBe(true);
  sampler.take(Int32Array.of(4000), 1, 1);
  expect(readSamples([words]).bytes).toMatchObject({ counts: [0, 0, 0, 0, 0, 0, 0, 1], sum: 4000 });
});
