import type { KubeConfig } from "@kubernetes/client-node";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import type { FactsByKind, Kind } from "./facts.ts";
import { KINDS } from "./kinds.ts";
import type { Loss } from "./loss.ts";
import { watchKind } from "./watch.ts";

/** What the watch of a cluster tells. */
export interface ClusterListener {
  set<K extends Kind>(kind: K, key: string, facts: FactsByKind[K] | undefined): void;
  /** A list of some kind is complete. `all`: so are those of all others. */
  listed(all: boolean): void;
}

/** What metrics show of a watch. */
export interface WatchCounts {
  /** Failures of lists and watches so far, by kind. */
  readonly errors: ReadonlyMap<Kind, number>;
  /** Kinds that are done without since they could not be listed. */
  readonly missing: readonly Kind[];
}

export interface ClusterWatch {
  /** Since when something of the cluster is lost, milliseconds since the epoch, and why; without a reason there was no contact yet. */
  lost(): { since: number; loss: Loss | undefined } | undefined;
  counts(): WatchCounts;
  stop(): Promise<void>;
}

interface KindState {
  listed: boolean;
  /** Whether a part of a list has come: it is slow, perhaps, but it comes. */
  isComing: boolean;
  /** Nobody waits for it any more. */
  isDoneWithout: boolean;
  lostAt: number | undefined;
  loss: Loss | undefined;
}

/** Without these there is nothing to answer with. */
const ESSENTIAL: readonly Kind[] = ["Pod"];

/** How long a start waits for kinds that are not essential, and cannot be listed. */
const PATIENCE_MS = 5000;
/** How long for those of which nothing at all comes, not even a failure. */
const SILENCE_MS = 10_000;

/** What an operator loses with a kind that cannot be read. */
const USES: Readonly<Record<Kind, string>> = {
  Pod: "there are no answers",
  EndpointSlice: "Ingresses and Services lead nowhere",
  Namespace: "settings on namespaces are not seen",
  Node: "pods of dead nodes leave only when Kubernetes or a probe says so",
  Deployment: "settings on Deployments are not seen",
  StatefulSet: "settings on StatefulSets are not seen",
  DaemonSet: "settings on DaemonSets are not seen",
  ReplicaSet: "settings on Deployments and ReplicaSets are not seen",
  Service: "Ingresses and annotations of external-dns are not seen",
  ConfigMap: "queries in ConfigMaps are not seen",
  IngressClass: "Ingresses are found by the name of their class only",
  Ingress: "Ingresses are not seen",
};

/** Watches all kinds that answers depend on. One that may not be read is done without, but for pods. */
export function watchCluster(config: KubeConfig, listener: ClusterListener): ClusterWatch {
  const kinds = Object.keys(KINDS) as Kind[];
  const started = Date.now();
  const unlisted = { listed: false, isComing: false, isDoneWithout: false, lostAt: started, loss: undefined };
  const states = new Map(kinds.map((kind): [Kind, KindState] => [kind, { ...unlisted }]));
  const lost = (): ReturnType<ClusterWatch["lost"]> => {
    let first: KindState | undefined;
    for (const state of states.values()) if (state.lostAt !== undefined && state.lostAt < (first?.lostAt ?? Infinity)) first = state;
    return first && { since: first.lostAt!, loss: first.loss };
  };
  const errors = new Map<Kind, number>();
  let wasLost = true;
  let isTold = false;
  const tell = (): void => {
    const now = lost();
    if (!now && wasLost) log("info", "watching the cluster");
    // one loss breaks all watches, each in its own way
    if (now?.loss && !isTold) log("warn", "the Kubernetes API is away, serving the last view", { error: now.loss.message });
    wasLost = now !== undefined;
    isTold = now?.loss !== undefined;
  };
  const tellListed = (): void => listener.listed([...states.values()].every((each) => each.listed || each.isDoneWithout));
  /** One kind that cannot be listed is no reason to answer nothing at all. */
  const doWithout = (): void => {
    for (const [kind, state] of states) {
      const { listed, isComing, isDoneWithout, loss } = state;
      // one that is slow is waited for until it fails
      const isGivenUp = loss ? waited.failing : waited.silent && !isComing;
      if (!isGivenUp || listed || isDoneWithout || ESSENTIAL.includes(kind)) continue;
      state.isDoneWithout = true;
      log("error", `cannot list ${KINDS[kind].path}, doing without it until it can be: ${USES[kind]}`, {
        error: loss?.message ?? "no answer at all",
      });
    }
    if ([...states.values()].some(({ isDoneWithout }) => isDoneWithout)) tellListed();
  };
  const waited = { failing: false, silent: false };
  const wait = (what: keyof typeof waited, ms: number): NodeJS.Timeout =>
    setTimeout(
      going("watch", () => {
        waited[what] = true;
        doWithout();
      }),
      ms,
    ).unref();
  const timers = [wait("failing", PATIENCE_MS), wait("silent", SILENCE_MS)];
  const start = <K extends Kind>(kind: K): { stop(): Promise<void> } => {
    const state = states.get(kind)!;
    const listed = (): void => {
      state.listed = true;
      state.isDoneWithout = false;
      tellListed();
    };
    return watchKind(config, kind, {
      set: (key, facts) => listener.set(kind, key, facts),
      listed,
      coming: () => void (state.isComing = true),
      connection: (loss) => {
        if (loss) errors.set(kind, (errors.get(kind) ?? 0) + 1);
        state.loss = loss;
        state.lostAt = loss && (state.lostAt ?? Date.now());
        tell();
        if (loss) doWithout();
      },
      missing: (loss) => {
        const remedy = "grant list and watch (docs/peakdns.md has the rules)";
        log("error", `cannot read ${KINDS[kind].path}: ${USES[kind]}; ${remedy}`, { error: loss.message });
        // what has been read once stays, and grows old
        if (ESSENTIAL.includes(kind) || state.listed) return;
        state.loss = state.lostAt = undefined;
        tell();
        listed();
      },
    });
  };
  const watches = kinds.map((kind) => start(kind));
  return {
    lost,
    counts: () => ({ errors, missing: [...states].flatMap(([kind, { isDoneWithout }]) => (isDoneWithout ? kind : [])) }),
    stop: async () => {
      timers.forEach(clearTimeout);
      await Promise.all(watches.map((watch) => watch.stop()));
    },
  };
}
