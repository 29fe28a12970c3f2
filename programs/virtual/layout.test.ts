import { expect, test } from "vitest";
import { directory, layout, namespace } from "./layout.ts";

test("the local stack's names", () => {
  const names = layout({});
  expect(names).toEqual({ prefix: "peak", link: "peak0", state: "/var/lib/peak/local" });
  expect(namespace(names, "pi1")).toBe("peak-pi1");
  expect(directory(names, "pi1")).toBe("/var/lib/peak/local/units/pi1");
});

test("another name shares nothing with it", () =>
  expect(layout({ PEAK_LOCAL_NAME: "trial" })).toEqual({ prefix: "trial", link: "trial0", state: "/var/lib/peak/trial" }));

test.each(["a-b", "Peak", "../x", "elevenchars", "1a"])("refuses the name %s", (name) => {
  expect(() => layout({ PEAK_LOCAL_NAME: name })).toThrow(`PEAK_LOCAL_NAME=${name}`);
});
