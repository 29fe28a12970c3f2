import type { Domain, Target } from "../model/domain.ts";
import { parseName } from "../wire/name.ts";

/** A ready pod of the namespace `shop`. */
export const testTarget = (name: string, more: Partial<Target> = {}): Target => ({
  key: `shop/${name}`,
  namespace: "shop",
  name,
  label: name,
  node: undefined,
  ipv6: undefined,
  ipv4: undefined,
  state: "ready",
  ports: [],
  probe: undefined,
  ...more,
});

/** The domain `web.peak` of the namespace `shop`. */
export const testDomain = (more: Partial<Domain> = {}): Domain => ({
  name: parseName("web.peak"),
  origin: parseName("web.peak"),
  namespace: "shop",
  owner: { apiVersion: "v1", kind: "Namespace", namespace: "", name: "shop", uid: "1" },
  targets: [],
  onlyTop: false,
  alias: undefined,
  steering: undefined,
  ttl: undefined,
  ...more,
});
