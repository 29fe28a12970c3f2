/** The provider's configuration: `kubernetes:*` keys, or the arguments of a Provider resource, all sent as text. */

export interface Config {
  /** Path or content of a kubeconfig; undefined means the ambient one. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string | undefined;
  readonly namespace: string | undefined;
  readonly deleteUnreachable: boolean;
  readonly skipUpdateUnreachable: boolean;
  readonly enablePatchForce: boolean;
  readonly enableConfigMapMutable: boolean;
  readonly enableSecretMutable: boolean;
  readonly upsertExistingObjects: boolean;
  /** Limit for one request that is not a watch, in seconds. */
  readonly requestTimeoutSeconds: number;
}

/** A wrong or unsupported setting: which, why, and what to do. */
export interface ConfigFault {
  readonly key: string;
  readonly reason: string;
}

const defaultRequestTimeoutSeconds = 60;

/**
 * Reads the settings.
 * @param settings values by key without prefix; an empty value is one that is not set
 * @param env where the official provider's environment variables come from
 */
export function parseConfig(
  settings: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string | undefined>>,
): { readonly config: Config; readonly faults: readonly ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const text = (key: string): string | undefined => settings[key] || undefined;
  const flag = (key: string, variable: string, fallback = false): boolean => {
    const value = text(key) ?? env[variable] ?? "";
    if (value === "" || value === "null") return fallback;
    if (value === "true" || value === "false") return value === "true";
    faults.push({ key, reason: `${JSON.stringify(value)} is neither true nor false` });
    return fallback;
  };

  if (!flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", true)) {
    faults.push({ key: "enableServerSideApply", reason: unsupported("client-side apply") });
  }
  if (text("renderYamlToDirectory") !== undefined) {
    faults.push({ key: "renderYamlToDirectory", reason: unsupported("rendering to YAML files") });
  }
  const config: Config = {
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    cluster: text("cluster"),
    namespace: text("namespace"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    enablePatchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    enableConfigMapMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    enableSecretMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    upsertExistingObjects: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    requestTimeoutSeconds: requestTimeout(text("kubeClientSettings"), env["PULUMI_K8S_CLIENT_TIMEOUT"], faults),
  };
  return { config, faults };
}

/** What this plugin answers where the official one would be needed. */
export function unsupported(what: string): string {
  return `${what} is not supported by Peak's stand-in for the kubernetes plugin; install the official plugin to use it`;
}

/** The client's `timeout`; its `qps` and `burst` limit the official client's rate and mean nothing here. */
function requestTimeout(settings: string | undefined, variable: string | undefined, faults: ConfigFault[]): number {
  let value: unknown = variable;
  try {
    const parsed: unknown = JSON.parse(settings ?? "null");
    if (typeof parsed === "object" && parsed !== null && "timeout" in parsed) value = parsed.timeout;
  } catch (error) {
    faults.push({ key: "kubeClientSettings", reason: `is not JSON: ${String(error)}` });
  }
  if (value === undefined || value === "") return defaultRequestTimeoutSeconds;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  faults.push({ key: "kubeClientSettings", reason: `timeout ${JSON.stringify(value)} is not a number of seconds` });
  return defaultRequestTimeoutSeconds;
}
