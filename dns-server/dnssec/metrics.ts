import { Counter, Gauge, type Registry } from "prom-client";
import type { SignatureCounts } from "./signatures.ts";

/**
 * Adds the metrics of signatures to a registry.
 * @param signers those in force; a reload of the configuration makes new ones, which count from nought
 */
export function registerSignatureMetrics(registry: Registry, signers: () => Iterable<{ counts(): SignatureCounts }>): void {
  const registers = [registry];
  const total = (of: (counts: SignatureCounts) => number): number =>
    Array.from(signers()).reduce((sum, signer) => sum + of(signer.counts()), 0);
  new Counter({
    name: "peakdns_signatures_total",
    help: "Signatures of answers (DNSSEC): made, given again, or not made for an invented name since there were too many.",
    labelNames: ["result"],
    registers,
    collect() {
      this.reset();
      this.inc({ result: "made" }, total(({ made }) => made));
      this.inc({ result: "reused" }, total(({ reused }) => reused));
      this.inc({ result: "limited" }, total(({ limited }) => limited));
    },
  });
  new Gauge({
    name: "peakdns_signatures_kept",
    help: "Signatures in memory.",
    registers,
    collect() {
      this.set(total(({ kept }) => kept));
    },
  });
}
