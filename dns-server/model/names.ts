import { formatName, MAX_NAME_LENGTH, type Name } from "../wire/name.ts";

/** One or more host name labels, as resolvers and browsers take them. */
export const isDomain = (text: string): boolean =>
  text.length <= 200 && text.split(".").every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label));

/** The name of some labels below another; undefined when that is too long for a name. */
export function nameBelow(labels: readonly string[], name: Name): Name | undefined {
  const wire = labels.map((label) => String.fromCharCode(label.length) + label).join("") + name;
  return wire.length > MAX_NAME_LENGTH || labels.some((label) => label.length > 63) ? undefined : (wire as Name);
}

/** Text of a name as users write it: without the final dot. */
export const showName = (name: Name): string => formatName(name).replace(/(?<=.)\.$/, "");
