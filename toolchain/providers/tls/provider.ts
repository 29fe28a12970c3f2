import { detailedDiff, rootOf, type Change } from "../shared/diff.ts";
import { checkInputs } from "../shared/inputs.ts";
import { hasUnknown, reveal, secret, UNKNOWN, type Properties } from "../shared/properties.ts";
import type { CheckResult, DiffResult, Provider } from "../shared/provider.ts";
import { isDue } from "./renewal.ts";
import { RESOURCES, type ResourceType } from "./resources.ts";

function resourceType(token: string): ResourceType {
  const found = RESOURCES[token];
  if (found) return found;
  throw new Error(`the bundled tls plugin has no ${token}; it has ${Object.keys(RESOURCES).join(", ")}`);
}

/**
 * The tls provider: keys, requests and certificates that are made once and then kept in the state, until an input changes or a
 * certificate is to be renewed.
 *
 * @param version the version to report
 * @param clock tells the time
 */
export function tlsProvider(version: string, clock: () => Date): Provider {
  return {
    version,
    async check({ type, news }): Promise<CheckResult> {
      return { inputs: news, failures: checkInputs(resourceType(type).schema, news) };
    },
    async diff({ type, olds, oldInputs, news }): Promise<DiffResult> {
      const resource = resourceType(type);
      const changes = new Map(inputChanges(resource, reveal(oldInputs) as Properties, reveal(news) as Properties));
      const replaces = [...changes.keys()].filter((path) => !resource.updatable.includes(rootOf(path)));
      if (isDue(olds, news, clock())) {
        changes.set("readyForRenewal", "update");
        replaces.push("readyForRenewal");
      }
      return { changes, replaces };
    },
    async create({ type, inputs, preview }) {
      const resource = resourceType(type);
      if (preview) {
        return { id: "", outputs: { ...complete(resource, inputs), ...Object.fromEntries(resource.made.map((name) => [name, UNKNOWN])) } };
      }
      const { id, outputs } = await resource.make(reveal(inputs), clock());
      return { id, outputs: { ...withSecrets(resource, { ...complete(resource, inputs), ...outputs }), ...bookkeeping(resource, id) } };
    },
    async read({ id, type, outputs, inputs }) {
      if (Object.keys(outputs).length === 0) throw new Error(`${type}: what exists already cannot be imported`);
      return { id, inputs, outputs: isDue(outputs, outputs, clock()) ? { ...outputs, readyForRenewal: true } : outputs };
    },
    // What can change in place says when to renew, and no more.
    async update({ type, olds, news }) {
      return { ...olds, ...complete(resourceType(type), news) };
    },
    // It lives in the state only.
    async delete() {},
    async invoke({ token }) {
      throw new Error(`the bundled tls plugin has no function ${token}`);
    },
  };
}

/** Inputs with their defaults, as secret as they were given. */
function complete(resource: ResourceType, inputs: Properties): Properties {
  return hasUnknown(inputs) ? inputs : withSecrets(resource, { ...resource.complete(reveal(inputs)), ...inputs });
}

/** What the official plugin's framework stores beside the values, and would miss. */
function bookkeeping({ schemaVersion }: ResourceType, id: string): Properties {
  return { id, ...(schemaVersion !== undefined && { __meta: JSON.stringify({ schema_version: schemaVersion }) }) };
}

function withSecrets(resource: ResourceType, values: Properties): Properties {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resource.secrets.includes(name) ? secret(value) : value]));
}

// A default that is now spelled out, or an input that is now secret, must not throw a key away.
function inputChanges(resource: ResourceType, olds: Properties, news: Properties): ReadonlyMap<string, Change> {
  return hasUnknown(news) ? detailedDiff(olds, news) : detailedDiff(resource.complete(olds), resource.complete(news));
}
