/** What a client needs to reach an API server. All PEM. */
export interface Access {
  /** e.g. `https://[fd7e:ea4c:0:1:1::1]:6443` */
  server: string;
  authority: string;
  certificate: string;
  key: string;
}

/** Renders a kubeconfig with one context, as JSON (which is YAML). Pure. */
export function renderKubeconfig({ server, authority, certificate, key }: Access): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "peak", cluster: { server, "certificate-authority-data": base64(authority) } }],
    users: [{ name: "peak", user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } }],
    contexts: [{ name: "peak", context: { cluster: "peak", user: "peak" } }],
    "current-context": "peak",
  });
}
