import { CoreV1Api, KubeConfig, ListWatch, Watch, type V1Pod } from "@kubernetes/client-node";
import { existsSync } from "node:fs";
import { UserError } from "../errors.ts";

/** What the watch of pods tells. */
export interface PodListener {
  /** A pod is new or has changed. */
  changed(pod: V1Pod): void;
  removed(pod: V1Pod): void;
  /** A complete list has been told; from now on what was told is all there is. */
  listed(): void;
  /** The API server is lost (`error` says why) or found again. What was told before stays true as far as anybody knows. */
  connection(error: string | undefined): void;
}

export interface PodWatch {
  stop(): Promise<void>;
}

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;

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

/** Tells when a watch is really there: the informer itself takes a connection that never answers for a quiet one. */
class ObservedWatch extends Watch {
  private readonly established: () => void;
  private readonly lost: (error: unknown) => void;

  constructor(config: KubeConfig, established: () => void, lost: (error: unknown) => void) {
    super(config);
    this.established = established;
    this.lost = lost;
  }

  override async watch(...[path, params, callback, done]: Parameters<Watch["watch"]>): ReturnType<Watch["watch"]> {
    let answered = false;
    let over = false;
    const controller = await super.watch(path, { ...params, allowWatchBookmarks: true }, callback, (error: unknown) => {
      over = true;
      if (!answered && !isExpired(error)) this.lost(error);
      done(error);
    });
    answered = true;
    if (!over) this.established();
    return controller;
  }
}

/** The version to watch from is too old: the server is there, the informer lists anew. */
const isExpired = (error: unknown): boolean => error instanceof Error && "statusCode" in error && error.statusCode === 410;

/** Lists and watches the pods of all namespaces, again and again: after an error it goes on from where it was, with back-off and jitter. */
export function watchPods(config: KubeConfig, listener: PodListener): PodWatch {
  const api = config.makeApiClient(CoreV1Api);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let delay = FIRST_RETRY_MS;
  const lost = (error: unknown): void => {
    if (!stopped) listener.connection(describe(error));
  };
  const watch = new ObservedWatch(
    config,
    () => {
      delay = FIRST_RETRY_MS;
      listener.connection(undefined);
    },
    lost,
  );
  const informer = new ListWatch<V1Pod>(
    "/api/v1/pods",
    watch,
    async () => {
      const list = await api.listPodForAllNamespaces();
      // the informer tells the items of a list as soon as it has it, in the microtasks before this
      setImmediate(() => listener.listed());
      return list;
    },
    false,
  );
  informer.on("add", (pod) => listener.changed(pod));
  informer.on("update", (pod) => listener.changed(pod));
  informer.on("delete", (pod) => listener.removed(pod));

  const run = (): void => void informer.start().catch(retry);
  const retry = (error: unknown): void => {
    if (stopped) return;
    lost(error);
    clearTimeout(timer);
    timer = setTimeout(run, delay * (0.5 + Math.random() / 2));
    delay = Math.min(MAX_RETRY_MS, delay * 2);
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

/** The innermost reason: `fetch failed` alone says nothing. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${describe(error.cause)}` : error.message.split("\n")[0]!;
}
