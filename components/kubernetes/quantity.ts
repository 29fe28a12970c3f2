const suffixes: Readonly<Record<string, number>> = {
  "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
};

/**
 * The number that a size in Kubernetes' spelling means, e.g. 67108864 for `64Mi`. Pure.
 * @throws Error when it is none
 */
export function parseQuantity(text: string): number {
  const [, number, suffix = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const unit = suffixes[suffix];
  if (number === undefined || unit === undefined) throw new Error(`"${text}" is not a size such as 64Mi`);
  return Number(number) * unit;
}
