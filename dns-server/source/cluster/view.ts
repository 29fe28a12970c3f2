import type { View } from "../../view/view.ts";
import type { Name } from "../../wire/name.ts";

/** The last stage: the view that is answered from. */
export class ClusterView {
  private view: View;
  private version = 0;
  private madeAt = Date.now();
  /** When the changes were that the next view will have, milliseconds since the epoch. */
  private times: number[] = [];

  /**
   * What there is until the cluster has been read.
   * @param loading what was not served before is not known to be absent
   */
  constructor(zones: View["zones"], loading: readonly Name[]) {
    this.view = { zones, loading };
  }

  get current(): View {
    return this.view;
  }

  /** Whether the cluster has been read. */
  get isComplete(): boolean {
    return this.view.loading.length === 0;
  }

  /** For an explanation, seconds. */
  get made(): { readonly version: number; readonly age: number } {
    return { version: this.version, age: (Date.now() - this.madeAt) / 1000 };
  }

  /** Something has changed at a time that the next view is to account for. */
  note(at: number): void {
    // before the first complete lists there is no view to change
    if (this.isComplete) this.times.push(at);
  }

  /** Takes zones as they now are. @returns the times of the changes that they have; undefined where the view is the same */
  take(zones: View["zones"]): readonly number[] | undefined {
    const times = this.times.splice(0);
    // a probe or a load that changes nothing makes no view
    if (this.isComplete && zones === this.view.zones) return undefined;
    this.view = { zones, loading: [] };
    this.version++;
    this.madeAt = Date.now();
    return times;
  }
}
