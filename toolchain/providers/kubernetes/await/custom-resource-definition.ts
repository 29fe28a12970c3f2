/** CustomResourceDefinitions: ready when the API serves the new kind, so that its objects can follow at once. */

import { condition, conditionIsTrue, textAt } from "../objects.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const customResourceDefinition: Awaiter = {
  related: () => [],
  status(object) {
    if (conditionIsTrue(object, "Established")) return ready;
    const names = condition(object, "NamesAccepted");
    const refused = names?.["status"] === "False" ? [`[${textAt(names, "reason") ?? ""}] ${textAt(names, "message") ?? ""}`] : [];
    return waiting("the API does not serve the kind yet", refused);
  },
};
