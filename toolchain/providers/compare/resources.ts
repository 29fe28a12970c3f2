/** Representative resources of this project: one of each type and shape that it declares, without what makes them slow. */

import type { Sshd } from "../command/sshd.ts";
import { secret, type Properties } from "../shared/properties.ts";
import type { Declared } from "./plugin.ts";
import type { Masks } from "./recording.ts";

export interface Sample {
  readonly resources: readonly Declared[];
  readonly masks: Masks;
}

export function commandSample({ connection }: Sshd): Sample {
  const { port, privateKey, hostKey, ...endpoint } = connection;
  const local = (name: string, news: Properties): Declared => ({ type: "command:local:Command", name, news });
  const remote = (name: string, news: Properties): Declared => ({ type: "command:remote:Command", name, news });
  return {
    resources: [
      local("minimal", { create: "echo made; echo said >&2" }),
      local("image", { create: "cat; echo", stdin: secret("password"), triggers: ["tag"], logging: "stderr" }),
      local("host", { create: "echo up", delete: "true", stdin: '{"name":"pi1"}', environment: { PEAK_STARTS: "0" }, logging: "stderr" }),
      remote("setup", {
        connection: { ...endpoint, port, hostKey, privateKey: secret(privateKey) },
        create: "sh -s", stdin: secret("echo done"), delete: "true", logging: "none", addPreviousOutputInEnv: false,
      }),
      remote("bare", { connection: secret({ ...endpoint, port, privateKey }), create: "echo there" }),
    ],
    masks: [
      [/^(minimal|image|host|setup|bare)[0-9a-f]{8}$/, "$1<8 hex>"],
      [/^-----BEGIN OPENSSH PRIVATE KEY-----[^]*$/, "<private key>"],
      [/^ssh-ed25519 [^]*$/, "<host key>"],
      [port, "<port>"],
    ],
  };
}

export const randomSample: Sample = {
  resources: [
    { type: "random:index/randomPassword:RandomPassword", name: "registry", news: { length: 32, special: false } },
    {
      type: "random:index/randomPassword:RandomPassword", name: "kept",
      news: { length: 8, minSpecial: 1, overrideSpecial: "_-", keepers: { a: "1" } },
    },
    { type: "random:index/randomUuid:RandomUuid", name: "store", news: { keepers: { host: "pi1" } } },
  ],
  masks: [
    [/^\$2a\$10\$.{53}$/, "<bcrypt hash>"],
    [/^[A-Za-z0-9]{32}$/, "<32 letters and digits>"],
    [/^[A-Za-z0-9_-]{8}$/, "<8 characters>"],
    [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "<UUID>"],
  ],
};

export function kubernetesSample(namespace: string): Sample {
  // Without controllers nothing becomes ready.
  const annotations = { "pulumi.com/patchFieldManager": "peak", "pulumi.com/skipAwait": "true" };
  const object = (type: string, name: string, body: Properties, metadata: Properties = { namespace }): Declared => {
    const [group = "", kind = ""] = type.replace(/Patch$/, "").split(":");
    const apiVersion = group.replace(/^core\//, "");
    return { type: `kubernetes:${type}`, name, news: { apiVersion, kind, metadata: { annotations, ...metadata }, ...body } };
  };
  const labels = { app: "echo" };
  const account = { kind: "ServiceAccount", name: "watcher", namespace };
  return {
    resources: [
      object("core/v1:Namespace", "namespace", {}, { name: namespace }),
      object("core/v1:ConfigMap", "configmap", { data: { "prometheus.yml": "scrape_configs: []", empty: "" } }),
      object("core/v1:Secret", "secret", { stringData: { "config.yaml": secret('{"key":"topsecret"}') } }),
      object("core/v1:Secret", "sealed", { immutable: true, stringData: { DATABASE_URL: secret("postgres://u:8f3kZq0w@db/shop") } }),
      object("core/v1:ServiceAccount", "account", {}),
      object("rbac.authorization.k8s.io/v1:ClusterRole", "role", {
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
      }, {}),
      object("rbac.authorization.k8s.io/v1:ClusterRoleBinding", "rolebinding", {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "watcher" }, subjects: [account],
      }, {}),
      object("networking.k8s.io/v1:IngressClass", "class", { spec: { controller: "dns.peak/ingress" } }, { name: `${namespace}-class` }),
      object("core/v1:PersistentVolume", "volume", {
        spec: {
          capacity: { storage: "64Mi" }, accessModes: ["ReadWriteOnce"], persistentVolumeReclaimPolicy: "Retain", local: { path: "/var/lib/peak" },
          nodeAffinity: {
            required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["pi1"] }] }] },
          },
        },
      }, {}),
      object("core/v1:PersistentVolume", "kept", {
        spec: { capacity: { storage: "64Mi" }, accessModes: ["ReadWriteOnce"], persistentVolumeReclaimPolicy: "Retain", hostPath: { path: "/kept" } },
      }, { name: `${namespace}-kept` }),
      object("core/v1:PersistentVolumePatch", "binding", { spec: { claimRef: { namespace, name: "claim" } } }, {
        name: `${namespace}-kept`, annotations: { "pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true" },
      }),
      object("core/v1:PersistentVolumeClaim", "claim", {
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } }, storageClassName: "", volumeName: "volume" },
      }),
      object("core/v1:Service", "service", {
        spec: { selector: labels, ports: [{ name: "dns", port: 53, protocol: "UDP" }, { name: "dns-tcp", port: 53, protocol: "TCP" }] },
      }),
      object("apps/v1:Deployment", "deployment", {
        spec: {
          replicas: 1, strategy: { type: "Recreate" }, selector: { matchLabels: labels },
          template: {
            metadata: { labels, annotations: { "prometheus.io/scrape": "true" } },
            spec: {
              hostNetwork: true, nodeSelector: { "kubernetes.io/hostname": "pi1" }, tolerations: [{ key: "peak/role", operator: "Exists" }],
              dnsPolicy: "Default", enableServiceLinks: false, automountServiceAccountToken: false, terminationGracePeriodSeconds: 5,
              securityContext: { runAsNonRoot: true, runAsUser: 65532, fsGroup: 65532, seccompProfile: { type: "RuntimeDefault" } },
              containers: [{
                name: "echo", image: "registry.invalid/echo:1", ports: [{ name: "http", containerPort: 8080 }],
                env: [{ name: "LEVEL", value: "debug" }, { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                readinessProbe: { httpGet: { port: 8080, path: "/readyz" }, periodSeconds: 2 },
                resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "2", memory: "384Mi" } },
                securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                volumeMounts: [{ name: "config", mountPath: "/etc/echo", readOnly: true }, { name: "run", mountPath: "/run/echo" }],
              }],
              volumes: [
                { name: "config", secret: { secretName: "secret", defaultMode: 0o440 } },
                { name: "run", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
              ],
            },
          },
        },
      }),
    ],
    masks: [
      [new RegExp(`\\b${namespace}\\b`, "g"), "<namespace>"],
      [/\b([a-z]+)-[0-9a-f]{8}$/, "$1-<8 hex>"],
      [/^[0-9a-f]{8}-[0-9a-f-]{27}$/, "<uid>"],
      [/^\d{3,}$/, "<number>"],
      [/^\d{4}-\d\d-\d\dT[\d:]+Z$/, "<time>"],
      [/^[0-9a-f]+(:[0-9a-f]*){3,}$/, "<address>"],
    ],
  };
}

/** Other spellings of objects than the one that the server stores, each by the name of a resource of `kubernetesSample`. */
export const spellings: readonly (readonly [what: string, resource: string, change: (news: Properties) => Properties])[] = [
  ["no value", "deployment", ofContainer({ env: [{ name: "LEVEL", value: "" }] })],
  ["larger units", "deployment", ofContainer({ resources: { requests: { cpu: "1000m", memory: "1024Mi" }, limits: { cpu: "2.0" } } })],
  ["numbers", "deployment", ofContainer({ resources: { requests: { cpu: 0.5 }, limits: { cpu: 2 } } })],
  ["what is so by itself", "deployment", ofPod({ hostNetwork: false, tolerations: [], nodeSelector: {} })],
  ["what is null", "deployment", ofPod({ nodeSelector: null })],
  ["no class", "volume", ofSpec({ storageClassName: "", capacity: { storage: "1024Mi" } })],
  ["no volume", "claim", ofSpec({ volumeName: "", resources: { requests: { storage: "1024Mi" } } })],
  ["no protocol", "service", ofSpec({ ports: [{ port: 80 }], sessionAffinity: "" })],
  ["another base64", "secret", ({ stringData: _, ...news }) => ({ ...news, data: { a: "aGFsbG8=\n", b: "" } })],
  ["no data", "configmap", (news) => ({ ...news, data: {} })],
  ["no namespace", "account", ({ metadata, ...news }) => ({ ...news, metadata: { ...(metadata as Properties), namespace: "" } })],
];

function ofSpec(members: Properties): (news: Properties) => Properties {
  return (news) => ({ ...news, spec: { ...(news["spec"] as Properties), ...members } });
}

function ofPod(members: Properties): (news: Properties) => Properties {
  return (news) => {
    const template = (news["spec"] as Properties)["template"] as Properties;
    return ofSpec({ template: { ...template, spec: { ...(template["spec"] as Properties), ...members } } })(news);
  };
}

function ofContainer(members: Properties): (news: Properties) => Properties {
  return (news) => {
    const { spec } = (news["spec"] as { template: { spec: { containers: Properties[] } } }).template;
    return ofPod({ containers: spec.containers.map((container) => ({ ...container, ...members })) })(news);
  };
}
