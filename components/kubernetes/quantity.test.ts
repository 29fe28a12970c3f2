import { expect, test } from "vitest";
import { parseQuantity } from "./quantity.ts";

test.each([
  ["0", 0],
  ["64Mi", 64 * 1024 * 1024],
  ["1.5Gi", 1.5 * 1024 ** 3],
  ["1G", 1e9],
  ["100", 100],
])("%s", (text, bytes) => expect(parseQuantity(text)).toBe(bytes));

test.each(["", "Mi", "64mi", "-1Mi", "1 Gi", "64MiB"])("%j is none", (text) => expect(() => parseQuantity(text)).toThrow("is not a size"));
