/** The only place for versions of what the stack is made of. toolchain/ go.mod files must agree (checked by a test). */
export const versions = {
  node: "26.10.0",
  pulumi: "3.246.0",
  kubernetes: "1.36.3",
  containerd: "2.4.2",
  etcd: "3.7.3",
  coredns: "1.15.0",
  prometheus: "3.11.3",
  /** Only tests run these two. */
  externalDns: "0.22.0",
  certManager: "1.21.2",
  /** Suite of the virtual Pis and of the base image; a Raspberry Pi OS of the same age is its arm64 sibling. */
  debian: "bookworm",
} as const;
