/** A target that is given or held back, and its load if that is known. */
export interface Bearer {
  readonly load: number | undefined;
}

/** Average of numbers, in a fixed order, since that of floating-point numbers depends on it. */
export const mean = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b).reduce((total, value) => total + value / values.length, 0);

/** Of an even number of values the lower one in the middle: of two targets the other is the overloaded one. */
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;

/**
 * What those left have to bear when they take over the look-ups of those held back. An answer gives every target equally often: what moves
 * is the load that look-ups make, which is that of a typical target, and not what an overloaded one has beyond that.
 */
export class Burden {
  private readonly typical: number;
  private count: number;
  private known: number;
  private total: number;
  private moving = 0;

  /** @param left that are given */
  constructor(left: readonly Bearer[]) {
    const loads = left.flatMap(({ load }) => load ?? []);
    this.count = left.length;
    this.known = loads.length;
    this.total = mean(loads) * loads.length;
    this.typical = loads.length > 0 ? median(loads) : 0;
  }

  /** One that is held back: its look-ups are on their way to the others. */
  addMoving({ load }: Bearer): void {
    this.moving += this.share(load);
  }

  /** The load of each of those left, on average, if one of them were held back; undefined while none is known. */
  without(one: Bearer): number | undefined {
    const isKnown = one.load !== undefined;
    return average(this.total - (one.load ?? 0), this.known - Number(isKnown), this.moving + this.share(one.load), this.count - 1);
  }

  /** Holds one of them back. */
  take(one: Bearer): void {
    this.count--;
    this.known -= Number(one.load !== undefined);
    this.total -= one.load ?? 0;
    this.addMoving(one);
  }

  /** Gives one that was held back. */
  give(one: Bearer, wasMoving: boolean): void {
    this.count++;
    this.known += Number(one.load !== undefined);
    this.total += one.load ?? 0;
    if (wasMoving) this.moving -= this.share(one.load);
  }

  /** The load of each of those left, on average; undefined while none is known. */
  load(): number | undefined {
    return average(this.total, this.known, this.moving, this.count);
  }

  private share(load: number | undefined): number {
    return Math.max(0, Math.min(load ?? this.typical, this.typical));
  }
}

const average = (total: number, known: number, moving: number, count: number): number | undefined =>
  known > 0 ? total / known + moving / count : undefined;

/** How many of so many candidates may be held back at once: never all. */
export const mostHeld = (candidates: number, share: number): number => Math.min(candidates - 1, Math.floor(candidates * share + 1e-9));
