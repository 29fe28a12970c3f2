import { defaultExclude, defineConfig } from "vitest/config";

// A test's project follows from where it is; `./peak test STAGE` runs the project of that name.
const tests = "**/*.test.ts";
const system = "**/*.system.test.ts";
const stacks = "test/stacks/**";
const endToEnd = "test/e2e/**";
const long = "test/e2e/*.long.test.ts";
const policy = "policy/**";
const others = [...defaultExclude, "**/.peak/**"];

/** Limits are for what hangs, not for what is slow: two cores may be shared. Milliseconds. */
const within = (limit: number) => ({ testTimeout: limit, hookTimeout: limit });

/** One file at a time: they share this host's namespaces, ports and memory. */
const serial = { fileParallelism: false };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: [tests], exclude: [...others, system, stacks, endToEnd, policy], ...within(60_000) } },
      { test: { name: "stacks", include: [`${stacks}/*.test.ts`], exclude: others, ...within(120_000) } },
      { test: { name: "policy", include: [`${policy}/*.test.ts`], exclude: others, ...within(300_000), ...serial } },
      { test: { name: "system", include: [system], exclude: [...others, endToEnd, policy], ...within(600_000), ...serial } },
      { test: { name: "e2e", include: [`${endToEnd}/*.test.ts`], exclude: [...others, long], ...within(2_700_000), ...serial } },
      { test: { name: "long", include: [long], exclude: others, ...within(5_400_000), ...serial } },
    ],
  },
});
