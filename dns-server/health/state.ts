/** A target is taken for dead after so many failures in a row; one success brings it back. */
export const FAILURES_OUT = 2;
/** A target that has never answered, and has failed so often, says nothing of us any more: its probe is wrong, or it is dead. */
const FAILURES_TO_DOUBT = 10;

interface Probed {
  readonly node: string | undefined;
  failures: number;
  out: boolean;
  hasAnswered: boolean;
}

interface NodeCount {
  all: number;
  failing: number;
}

/**
 * What the results of probes say of targets: no clock, no sockets.
 *
 * When more than half of all targets fail at once, the fault is more likely ours (our link, our host) than theirs: nothing more is taken
 * out until that is over. It looks at the last result of each target, not at two, so that it knows before the first of them is out. Those
 * that are out already, or never answered, are no witnesses: they would fail whatever was wrong with us. One node that fails with all that
 * is on it, while others are well, is that node's fault however much was on it.
 */
export class HealthState {
  private readonly targets = new Map<string, Probed>();
  /** Witnesses by node. */
  private readonly nodes = new Map<string | undefined, NodeCount>();
  private witnesses = 0;
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
    const target: Probed = { node, failures: 0, out: false, hasAnswered: false };
    this.targets.set(id, target);
    this.count(target, 1);
    return this.settle();
  }

  /** @returns the other targets whose verdict changes by this */
  remove(id: string): string[] {
    const target = this.targets.get(id);
    if (!target) return [];
    this.targets.delete(id);
    this.count(target, -1);
    return this.settle();
  }

  /** Takes the result of a probe. @returns the targets whose verdict changes by this */
  record(id: string, success: boolean): string[] {
    const target = this.targets.get(id);
    if (!target) return [];
    this.count(target, -1);
    target.failures = success ? 0 : target.failures + 1;
    target.hasAnswered ||= success;
    this.count(target, 1);
    const changed = this.settle();
    const out = this.frozen ? target.out && !success : target.failures >= FAILURES_OUT;
    if (out === target.out) return changed;
    this.setOut(target, out);
    return [...changed, id, ...this.settle()];
  }

  private setOut(target: Probed, out: boolean): void {
    this.count(target, -1);
    target.out = out;
    this.count(target, 1);
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

  /** Counts a target as a witness, if it is one, or takes that back. */
  private count({ node, failures, out, hasAnswered }: Probed, sign: 1 | -1): void {
    if (out || (!hasAnswered && failures >= FAILURES_TO_DOUBT)) return;
    const failing = failures > 0 ? sign : 0;
    this.witnesses += sign;
    this.failing += failing;
    const counts = this.nodes.get(node) ?? { all: 0, failing: 0 };
    counts.all += sign;
    counts.failing += failing;
    if (counts.all === 0) this.nodes.delete(node);
    else this.nodes.set(node, counts);
  }

  private suspects(): boolean {
    if (2 * this.failing <= this.witnesses) return false;
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
      if (out === target.out) continue;
      this.setOut(target, out);
      changed.push(id);
    }
    return changed;
  }
}
