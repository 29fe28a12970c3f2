import { z } from "zod";

/** Objects as the API server sends them, as far as anything depends on them. */

const texts = z.record(z.string(), z.string()).nullish();
/** A string in JSON, a Date from a typed client. */
const time = z.coerce.date().transform((date) => date.getTime());
const metadata = z.object({
  namespace: z.string().default(""),
  name: z.string(),
  uid: z.string().default(""),
  creationTimestamp: time.nullish(),
  deletionTimestamp: z.unknown().optional(),
  annotations: texts,
  labels: texts,
  ownerReferences: z.array(z.object({ kind: z.string(), name: z.string(), controller: z.boolean().nullish() })).nullish(),
});
/** Names that could not be labels are none. */
const portName = z
  .string()
  .nullish()
  .transform((name) => (name && /^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$/.test(name) ? name : undefined));
const protocol = z.enum(["TCP", "UDP", "SCTP"]).default("TCP");
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);

export const plainShape = z.object({ metadata });

const container = z.object({
  restartPolicy: z.string().nullish(),
  ports: list(z.object({ name: portName, containerPort: z.int(), protocol: protocol.nullish() })),
});

export const podShape = z.object({
  metadata,
  spec: z
    .object({
      nodeName: z.string().nullish(),
      containers: list(container),
      initContainers: list(container),
    })
    .nullish(),
  status: z
    .object({
      podIPs: list(z.object({ ip: z.string() })),
      conditions: list(z.object({ type: z.string(), status: z.string(), lastTransitionTime: time.nullish() })),
    })
    .nullish(),
});

export const nodeShape = z.object({
  metadata,
  status: z
    .object({ conditions: list(z.object({ type: z.string(), status: z.string(), lastTransitionTime: time.nullish() })) })
    .nullish(),
});

export const workloadShape = z.object({
  metadata,
  spec: z.object({ template: z.object({ metadata: z.object({ annotations: texts, labels: texts }).nullish() }).nullish() }).nullish(),
});

export const sliceShape = z.object({
  metadata,
  endpoints: list(
    z.object({
      addresses: list(z.string()),
      conditions: z.object({ ready: z.boolean().nullish(), terminating: z.boolean().nullish() }).nullish(),
      nodeName: z.string().nullish(),
      targetRef: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
    }),
  ),
  ports: list(z.object({ name: portName, port: z.int().nullish(), protocol: protocol.nullish() })),
});

export const serviceShape = z.object({
  metadata,
  spec: z
    .object({
      type: z.string().nullish(),
      clusterIP: z.string().nullish(),
      clusterIPs: list(z.string()),
      externalIPs: list(z.string()),
      externalName: z.string().nullish(),
      publishNotReadyAddresses: z.boolean().nullish(),
      ports: list(z.object({ name: z.string().nullish(), port: z.int() })),
    })
    .nullish(),
  status: z
    .object({ loadBalancer: z.object({ ingress: list(z.object({ ip: z.string().nullish(), hostname: z.string().nullish() })) }).nullish() })
    .nullish(),
});

export const configMapShape = z.object({ metadata, data: texts });

export const ingressClassShape = z.object({ metadata, spec: z.object({ controller: z.string().nullish() }).nullish() });

const ingressBackend = z.object({
  service: z.object({ name: z.string(), port: z.object({ name: z.string().nullish(), number: z.int().nullish() }).nullish() }).nullish(),
});
export const ingressShape = z.object({
  metadata,
  spec: z
    .object({
      ingressClassName: z.string().nullish(),
      defaultBackend: ingressBackend.nullish(),
      tls: list(z.unknown()),
      rules: list(
        z.object({
          host: z.string().nullish(),
          http: z
            .object({
              paths: list(
                z.object({
                  path: z.string().nullish(),
                  pathType: z.string().nullish(),
                  backend: ingressBackend,
                }),
              ),
            })
            .nullish(),
        }),
      ),
    })
    .nullish(),
  status: z
    .object({ loadBalancer: z.object({ ingress: list(z.object({ hostname: z.string().nullish(), ip: z.string().nullish() })) }).nullish() })
    .nullish(),
});

export type Metadata = z.output<typeof metadata>;
export type IngressBackend = z.output<typeof ingressBackend>;
