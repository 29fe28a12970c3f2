import { randomInt } from "node:crypto";

/** Draws a whole number from 0 to `limit` - 1, each equally likely. `limit` is at most 2^48. */
export type Draw = (limit: number) => number;

/** From the operating system's cryptographic generator, without modulo bias. */
export const secureDraw: Draw = (limit) => randomInt(limit);

/** The items in a random order, each order equally likely (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = draw(last + 1);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/**
 * Picks `count` items. Items repeat only when more are asked for than there are, and then as evenly as they can.
 *
 * @param items not empty unless `count` is 0
 */
export function sample<T>(items: readonly T[], count: number, draw: Draw): T[] {
  const result: T[] = [];
  while (result.length < count) result.push(...shuffled(items, draw).slice(0, count - result.length));
  return result;
}

/** A whole number from `min` to `max`, both included. The range may not span more than 2^48 numbers. */
export function integerBetween(min: number, max: number, draw: Draw): number {
  return min + draw(max - min + 1);
}
