import { isLater } from "../wire/serial.ts";
import { serialOf } from "../zone/content.ts";
import type { Zone } from "../zone/zone.ts";
import { differenceOf, type Difference } from "./difference.ts";

/** Records in the differences that are kept for one zone; more than that is not worth less than the whole zone. */
const MAX_RECORDS = 50_000;

/** The latest changes of a zone, for those who have an earlier version. */
export class History {
  private readonly differences: { readonly from: number; readonly to: number; readonly difference: Difference; readonly size: number }[] = [];
  private size = 0;

  /**
   * Remembers a change.
   * @returns 'later' when the serial has moved forward, so that others see it; 'hidden' when there is a change that they do not see
   */
  add(before: Zone, after: Zone): "later" | "hidden" | "same" {
    const difference = differenceOf(before, after);
    const size = difference.removed.length + difference.added.length + 2;
    if (!isLater(serialOf(after), serialOf(before))) {
      if (size === 2 && serialOf(after) === serialOf(before)) return "same";
      this.forget();
      return "hidden";
    }
    const last = this.differences.at(-1);
    if (last && last.to !== serialOf(before)) this.forget();
    this.differences.push({ from: serialOf(before), to: serialOf(after), difference, size });
    this.size += size;
    while (this.size > MAX_RECORDS) this.size -= this.differences.shift()!.size;
    return "later";
  }

  /** What was kept leads nowhere. */
  private forget(): void {
    this.differences.length = 0;
    this.size = 0;
  }

  /**
   * The changes since a version, in order; undefined when they are not all known.
   * @param serial of that version
   * @param to serial of the version that they must lead to
   */
  since(serial: number, to: number): readonly Difference[] | undefined {
    if (this.differences.at(-1)?.to !== to) return undefined;
    const start = this.differences.findIndex(({ from }) => from === serial);
    return start < 0 ? undefined : this.differences.slice(start).map(({ difference }) => difference);
  }
}
