/** Jobs: ready when complete; a job that failed stays failed. */

import { condition, conditionIsTrue, numberAt, objectAt, textAt } from "../objects.ts";
import { podsReasons } from "./pod.ts";
import { labelSelector } from "./selector.ts";
import { failed, ready, waiting, type Awaiter } from "./status.ts";

export const job: Awaiter = {
  related(object) {
    const selector = objectAt(object, "spec", "selector");
    return Object.keys(selector).length === 0 ? [] : [{ kind: "pods", query: labelSelector(selector) }];
  },
  status(object, { pods }) {
    if (conditionIsTrue(object, "Complete")) return ready;
    if (conditionIsTrue(object, "Failed")) {
      const entry = condition(object, "Failed");
      return failed(`the job failed: [${textAt(entry, "reason") ?? ""}] ${textAt(entry, "message") ?? ""}`, podsReasons(pods));
    }
    const wanted = numberAt(object, "spec", "completions") ?? 1;
    return waiting(`${numberAt(object, "status", "succeeded") ?? 0} of ${wanted} pods have succeeded`, podsReasons(pods));
  },
};
