import { detailedDiff, type Change } from "../shared/diff.ts";
import { checkInputs } from "../shared/inputs.ts";
import { hasUnknown, reveal, secret, UNKNOWN, type Properties } from "../shared/properties.ts";
import type { CheckResult, DiffResult, Provider } from "../shared/provider.ts";
import { RESOURCES, type ResourceType } from "./resources.ts";

function resourceType(token: string): ResourceType {
  const found = RESOURCES[token];
  if (found) return found;
  throw new Error(`the bundled random plugin has no ${token}; it has ${Object.keys(RESOURCES).join(", ")}`);
}

/**
 * The random provider: values that are drawn once and then kept in the state, until an input changes.
 *
 * @param version the version to report
 */
export function randomProvider(version: string): Provider {
  return {
    version,
    async check({ type, news }): Promise<CheckResult> {
      return { inputs: news, failures: checkInputs(resourceType(type).schema, news) };
    },
    async diff({ type, oldInputs, news }): Promise<DiffResult> {
      const resource = resourceType(type);
      const changes = inputChanges(resource, reveal(oldInputs) as Properties, reveal(news) as Properties);
      return { changes, replaces: [...changes.keys()] };
    },
    async create({ type, inputs, preview }) {
      const resource = resourceType(type);
      if (preview) {
        return { id: "", outputs: { ...inputs, ...Object.fromEntries(resource.generated.map((name) => [name, UNKNOWN])) } };
      }
      const { id, outputs } = await resource.generate(reveal(inputs));
      const generated = Object.entries(outputs).map(([name, value]) => [name, resource.secrets.includes(name) ? secret(value) : value]);
      return { id, outputs: { ...resource.complete(reveal(inputs)), ...inputs, ...Object.fromEntries(generated), ...resource.meta, id } };
    },
    async read({ id, type, outputs, inputs }) {
      if (Object.keys(outputs).length > 0) return { id, outputs, inputs };
      throw new Error(`${type}: the bundled random plugin cannot import existing values; use the official plugin for that`);
    },
    async update({ type }) {
      throw new Error(`${type} cannot be updated in place`);
    },
    // The value lives in the state only.
    async delete() {},
    async invoke({ token }) {
      throw new Error(`the bundled random plugin has no function ${token}`);
    },
  };
}

// A default that is now spelled out, or an input that is now secret, must not throw a password away.
function inputChanges(resource: ResourceType, olds: Properties, news: Properties): ReadonlyMap<string, Change> {
  return hasUnknown(news) ? detailedDiff(olds, news) : detailedDiff(resource.complete(olds), resource.complete(news));
}
