import { KubeConfig, ListWatch, Watch, type KubernetesObject } from "@kubernetes/client-node";
import { existsSync } from "node:fs";
import { Backoff } from "../runtime/backoff.ts";
import { UserError } from "../runtime/errors.ts";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { getJson } from "./api.ts";
import type { FactsByKind, Kind } from "./facts.ts";
import { KINDS } from "./kinds.ts";
import { describe, lossOf, statusOf, type Loss } from "./loss.ts";

/** What the watch of one kind tells. */
export interface KindListener<K extends Kind> {
  /** An object is new or has changed; undefined: it is gone. */
  set(key: string, facts: FactsByKind[K] | undefined): void;
  /** A complete list has been told; from now on what was told is all there is. */
  listed(): void;
  /** A part of a list has come. */
  coming(): void;
  /** The API server is lost, or found again. What was told before stays true as far as anybody knows. */
  connection(loss: Loss | undefined): void;
  /** The kind may not be read, or is not there. It is asked for again and again. */
  missing(loss: Loss): void;
}

export interface KindWatch {
  stop(): Promise<void>;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
/** Servers that have lost the API together do not come back in step. */
const SPREAD = 0.5;
/** An API server that has just started forbids everything for a moment, until it has read its own rules. */
const REFUSALS_TO_BELIEVE = 3;
const PAGE = 500;

/** Access to the API server: a kubeconfig file, or the service account of the pod that we run in. */
export function loadKubeConfig(file: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) {
    if (!process.env["KUBERNETES_SERVICE_HOST"]) throw new UserError("not in a cluster: name a file under the key kubernetes.kubeconfig");
    config.loadFromCluster();
  } else {
    if (!existsSync(file)) throw new UserError(`kubernetes.kubeconfig: no file ${file}`);
    config.loadFromFile(file);
  }
  if (context !== undefined) {
    if (!config.getContextObject(context))
      throw new UserError(`kubernetes.context: ${file ?? "the kubeconfig"} has no context "${context}"`);
    config.setCurrentContext(context);
  }
  return config;
}

/** What the informer keeps of an object. */
interface KeptObject<K extends Kind> extends KubernetesObject {
  /** None of an object that is gone, and was not of its kind's form. */
  readonly facts: FactsByKind[K] | undefined;
}

interface WatchHooks {
  /** What is to be kept of an object; undefined: it is malformed. @param isGone whether its name is all that matters */
  keep(object: KubernetesObject, isGone: boolean): KubernetesObject | undefined;
  established(): void;
  lost(error: unknown): void;
  /** The informer could not go on after a watch had ended. */
  stuck(error: unknown): void;
}

/** Cuts objects down before the informer keeps them, and tells when a watch is really there: the informer takes silence for quiet. */
class TrimmingWatch extends Watch {
  private readonly hooks: WatchHooks;

  constructor(config: KubeConfig, hooks: WatchHooks) {
    super(config);
    this.hooks = hooks;
  }

  override async watch(...[path, params, callback, done]: Parameters<Watch["watch"]>): ReturnType<Watch["watch"]> {
    let answered = false;
    let over = false;
    const trimming: typeof callback = (phase, object: KubernetesObject, event) => {
      const isObject = phase === "ADDED" || phase === "MODIFIED" || phase === "DELETED";
      const kept = isObject ? this.hooks.keep(object, phase === "DELETED") : object;
      // the informer's handlers are asynchronous, and nobody else looks at what becomes of them
      if (kept) going("watch", callback)(phase, kept, event);
    };
    const controller = await super.watch(path, { ...params, allowWatchBookmarks: true }, trimming, (error: unknown) => {
      over = true;
      if (!answered && !isExpired(error)) this.hooks.lost(error);
      // it asks for a new watch, and for the credentials of that, in its own time
      Promise.resolve(done(error) as unknown).catch((failure: unknown) => this.hooks.stuck(failure));
    });
    answered = true;
    if (!over) this.hooks.established();
    return controller;
  }
}

/** The version to watch from is too old: the server is there, the informer lists anew. */
const isExpired = (error: unknown): boolean => statusOf(error) === 410;

/**
 * Lists and watches all objects of a kind, again and again: after an error it goes on from where it was, with back-off and jitter. A list
 * is read in pages, and of each object only its facts are kept.
 */
export function watchKind<K extends Kind>(config: KubeConfig, kind: K, listener: KindListener<K>): KindWatch {
  const { path, fieldSelector, parse } = KINDS[kind];
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const backoff = new Backoff(FIRST_RETRY_MS, MAX_RETRY_MS, SPREAD);
  let refusals = 0;

  const keep = (object: KubernetesObject, isGone: boolean): KeptObject<K> | undefined => {
    const { namespace = "", name, resourceVersion } = object.metadata ?? {};
    // whatever else it says: it is gone
    if (isGone && name !== undefined)
      return { metadata: { namespace, name, ...(resourceVersion === undefined ? {} : { resourceVersion }) }, facts: undefined };
    try {
      const facts = parse(object);
      return {
        metadata: { namespace: facts.namespace, name: facts.name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
        facts,
      };
    } catch (error) {
      log("error", "an object of the cluster is malformed and is ignored", { kind, namespace, name, error: describe(error) });
      return undefined;
    }
  };
  const list = async (): Promise<{ items: KeptObject<K>[]; metadata: { resourceVersion: string } }> => {
    const items: KeptObject<K>[] = [];
    let next: string | undefined;
    for (;;) {
      const query = new URLSearchParams({
        limit: String(PAGE),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
        ...(next === undefined ? {} : { continue: next }),
      });
      const page = (await getJson(config, `${path}?${query}`)) as ObjectList;
      listener.coming();
      for (const object of page.items ?? []) {
        const kept = keep(object, false);
        if (kept) items.push(kept);
      }
      next = page.metadata?.continue || undefined;
      if (next === undefined) {
        refusals = 0;
        // the informer tells the items of a list as soon as it has it, in the microtasks before this
        setImmediate(() => {
          if (!stopped) listener.listed();
        });
        return { items, metadata: { resourceVersion: page.metadata?.resourceVersion ?? "" } };
      }
    }
  };
  const lost = (error: unknown): void => {
    if (stopped) return;
    const status = statusOf(error);
    if (status === 403 || status === 404) refusals++;
    else refusals = 0;
    const loss = lossOf(error, `watch of ${path}`);
    if (refusals < REFUSALS_TO_BELIEVE) listener.connection(loss);
    else if (refusals === REFUSALS_TO_BELIEVE) listener.missing(loss);
  };
  const watch = new TrimmingWatch(config, {
    keep,
    lost,
    stuck: (error) => retry(error),
    established: () => {
      backoff.reset();
      listener.connection(undefined);
    },
  });
  const informer = new ListWatch<KeptObject<K>>(path, watch, list, false, undefined, fieldSelector);
  const keyOf = ({ metadata }: KeptObject<K>): string => `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
  informer.on("add", (kept) => listener.set(keyOf(kept), kept.facts));
  informer.on("update", (kept) => listener.set(keyOf(kept), kept.facts));
  informer.on("delete", (kept) => listener.set(keyOf(kept), undefined));

  const run = (): void => void informer.start().catch(retry);
  const retry = (error: unknown): void => {
    if (stopped) return;
    lost(error);
    clearTimeout(timer);
    timer = setTimeout(run, backoff.next());
  };
  informer.on("error", retry);
  run();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await informer.stop();
    },
  };
}

interface ObjectList {
  readonly items?: readonly KubernetesObject[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}
