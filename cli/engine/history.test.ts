import { expect, test } from "vitest";
import { parseHistory } from "./history.ts";

test("an update that has not ended, or was killed, is no past one", () => {
  const ended = { kind: "update", result: "succeeded", endTime: "2026-01-01T00:00:00.000Z", config: { "peak:keys": { value: "dns=2" } } };
  const underWay = { kind: "update", startTime: "2026-01-02T00:00:00.000Z", config: {} };
  const told = JSON.stringify([underWay, { ...underWay, result: "in-progress" }, ended, { ...ended, config: null, environment: { "pulumi.flag.target": "x" } }]);
  expect(parseHistory(told)).toEqual([
    { kind: "update", result: "succeeded", endTime: ended.endTime, keys: "dns=2", partial: false },
    { kind: "update", result: "succeeded", endTime: ended.endTime, keys: "", partial: true },
  ]);
});
