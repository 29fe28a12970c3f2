/** A target is taken for dead after so many failures in a row; one success brings it back. */
export const FAILURES_OUT = 2;

interface Probed {
  readonly node: string | undefined;
  failures: number;
  out: boolean;
}

interface NodeCount {
  all: number;
  failing: number;
}

/**
 * What the results of probes say of targets: no clock, no sockets.
 *
 * When more than half of all targets fail at once, the fault is more likely ours (our link, our host) than theirs: nothing more is taken
 * out until that is over. It looks at the last result of each target, not at two, so that it knows before the first of them is out. One
 * node that fails with all that is on it, while others are well, is that node's fault however much was on it.
 */
export class HealthState {
  private readonly targets = new Map<string, Probed>();
  private readonly nodes = new Map<string | undefined, NodeCount>();
  private failing = 0;
  private suspectsItself = false;

  /** Whether verdicts are held since too much fails at once. */
  get frozen(): boolean {
    return this.suspectsItself;
  }

  get size(): number {
    return this.targets.size;
  }

  /** A target that was never probed is well. @param node where it runs, when that is known @returns as `remove` */
  add(id: string, node: string | undefined): string[] {
    this.targets.set(id, { node, failures: 0, out: false });
    this.count(node, 1, 0);
    return this.settle();
  }

  /** @returns the other targets whose verdict changes by this */
  remove(id: string): string[] {
    const target = this.targets.get(id);
    if (!target) return [];
    this.targets.delete(id);
    this.count(target.node, -1, target.failures > 0 ? -1 : 0);
    return this.settle();
  }

  /** Takes the result of a probe. @returns the targets whose verdict changes by this */
  record(id: string, success: boolean): string[] {
    const target = this.targets.get(id);
    if (!target) return [];
    const before = target.failures;
    target.failures = success ? 0 : before + 1;
    if (success !== (before === 0)) this.count(target.node, 0, success ? -1 : 1);
    const changed = this.settle();
    const out = this.frozen ? target.out && !success : target.failures >= FAILURES_OUT;
    if (out === target.out) return changed;
    target.out = out;
    return [...changed, id];
  }

  /** Whether a target is taken for dead. */
  isOut(id: string): boolean {
    return this.targets.get(id)?.out ?? false;
  }

  /** Failures in a row. */
  failures(id: string): number {
    return this.targets.get(id)?.failures ?? 0;
  }

  /** Results that it takes at least until the verdict is another. */
  resultsToChange(id: string): number {
    return this.isOut(id) ? 1 : Math.max(1, FAILURES_OUT - this.failures(id));
  }

  private count(node: string | undefined, all: number, failing: number): void {
    this.failing += failing;
    const counts = this.nodes.get(node) ?? { all: 0, failing: 0 };
    counts.all += all;
    counts.failing += failing;
    if (counts.all === 0) this.nodes.delete(node);
    else this.nodes.set(node, counts);
  }

  private suspects(): boolean {
    if (2 * this.failing <= this.targets.size) return false;
    const failingNodes = [...this.nodes].filter(([, { failing }]) => failing > 0);
    const [[node, counts] = []] = failingNodes;
    const oneDeadNode = failingNodes.length === 1 && node !== undefined && counts?.failing === counts?.all && this.nodes.size > 1;
    return !oneDeadNode;
  }

  /** Finds out whether the freeze begins or ends. What was held is decided at its end. */
  private settle(): string[] {
    const frozen = this.suspectsItself;
    this.suspectsItself = this.suspects();
    if (!frozen || this.suspectsItself) return [];
    const changed: string[] = [];
    for (const [id, target] of this.targets) {
      const out = target.failures >= FAILURES_OUT;
      if (out !== target.out) changed.push(id);
      target.out = out;
    }
    return changed;
  }
}
