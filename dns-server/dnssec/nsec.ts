import { typeBitmap } from "../wire/fields.ts";
import { MAX_NAME_LENGTH, nameBytes, parentName, type Name } from "../wire/name.ts";

/** NSEC record data (RFC 4034 section 4) for one name alone: from itself to the very next name that could be. */
export function nsecRdata(name: Name, origin: Name, types: Iterable<number>): Uint8Array {
  return Buffer.concat([nameBytes(successor(name, origin)), typeBitmap(types)]);
}

/**
 * The next name in canonical order (RFC 4471 section 3.1): nothing can stand between the two. That of the last possible name is the origin.
 * @param name folded, at or below the origin
 */
export function successor(name: Name, origin: Name): Name {
  if (name.length + 2 <= MAX_NAME_LENGTH) return `\x01\x00${name}` as Name;
  for (let at = name; at.length > origin.length; at = parentName(at)) {
    const rest = parentName(at);
    const label = at.slice(1, at.length - rest.length);
    if (label.length < 63 && at.length < MAX_NAME_LENGTH) return withLabel(`${label}\0`, rest);
    const head = label.replace(/\xff+$/, "");
    if (head === "") continue;
    const last = head.charCodeAt(head.length - 1) + 1;
    // capitals sort as small letters do
    return withLabel(head.slice(0, -1) + (last === 0x41 ? "[" : String.fromCharCode(last)), rest);
  }
  return origin;
}

const withLabel = (label: string, rest: Name): Name => (String.fromCharCode(label.length) + label + rest) as Name;

