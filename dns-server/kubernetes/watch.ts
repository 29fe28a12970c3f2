import { CoreV1Api, KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node';
import { existsSync } from 'node:fs';
import { UserError } from '../errors.ts';

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
    if (!process.env['KUBERNETES_SERVICE_HOST']) throw new UserError('not in a cluster: name a file under the key kubernetes.kubeconfig');
    config.loadFromCluster();
  } else {
    if (!existsSync(file)) throw new UserError(`kubernetes.kubeconfig: no file ${file}`);
    config.loadFromFile(file);
  }
  if (context !== undefined) {
    if (!config.getContextObject(context)) throw new UserError(`kubernetes.context: ${file ?? 'the kubeconfig'} has no context "${context}"`);
    config.setCurrentContext(context);
  }
  return config;
}

/** Lists and watches the pods of all namespaces, again and again: after an error it goes on from where it was, with back-off and jitter. */
export function watchPods(config: KubeConfig, listener: PodListener): PodWatch {
  const api = config.makeApiClient(CoreV1Api);
  const informer = makeInformer<V1Pod>(config, '/api/v1/pods', async () => {
    const list = await api.listPodForAllNamespaces();
    // the informer tells the items of a list as soon as it has it, in the microtasks before this
    setImmediate(() => listener.listed());
    return list;
  });
  informer.on('add', (pod) => listener.changed(pod));
  informer.on('update', (pod) => listener.changed(pod));
  informer.on('delete', (pod) => listener.removed(pod));

  let stopped = false;
  let failures = 0;
  let failed = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    failed = false;
    try {
      await informer.start();
    } catch (error) {
      fail(error);
    }
    if (failed || stopped) return;
    failures = 0;
    listener.connection(undefined);
  };
  const fail = (error: unknown): void => {
    if (stopped || failed) return;
    failed = true;
    listener.connection(error instanceof Error ? describe(error) : String(error));
    const delay = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
    timer = setTimeout(() => void run(), delay * (0.5 + Math.random() / 2));
  };
  informer.on('error', fail);
  void run();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await informer.stop();
    },
  };
}

/** The innermost reason: `fetch failed` alone says nothing. */
function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${describe(error.cause)}` : error.message.split('\n')[0]!;
}
