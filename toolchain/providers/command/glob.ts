/**
 * The regular expression for a glob of the `assetPaths` and `archivePaths` inputs. These follow gobwas/glob, where `**` crosses
 * folders anywhere in a name (`src/**.js`); the common JavaScript libraries only let it stand for whole path segments.
 *
 * Syntax: `*` anything but `/`; `**` anything; `?` one character but `/`; `[abc]`, `[a-z]`, `[!a]`; `{one,two}`; `\` takes the next
 * character as it is.
 */
export function globToRegExp(glob: string): RegExp {
  let source = "";
  let depth = 0;
  for (let index = 0; index < glob.length; index++) {
    const rest = glob.slice(index);
    const set = /^\[(!?)((?:\\.|[^\]\\])+)\]/.exec(rest);
    if (rest.startsWith("**")) {
      source += ".*";
      index++;
    } else if (rest.startsWith("*")) {
      source += "[^/]*";
    } else if (rest.startsWith("?")) {
      source += "[^/]";
    } else if (set) {
      source += `[${set[1] ? "^" : ""}${set[2]?.replaceAll("[", "\\[")}]`;
      index += set[0].length - 1;
    } else if (rest.startsWith("{")) {
      source += "(?:";
      depth++;
    } else if (rest.startsWith("}") && depth > 0) {
      source += ")";
      depth--;
    } else if (rest.startsWith(",") && depth > 0) {
      source += "|";
    } else if (rest.startsWith("\\") && rest.length > 1) {
      source += escape(rest.charAt(1));
      index++;
    } else {
      source += escape(rest.charAt(0));
    }
  }
  if (depth > 0) throw new Error(`glob "${glob}": "{" without "}"`);
  return new RegExp(`^${source}$`, "s");
}

/**
 * The paths that a list of globs selects, in the order given. Globs apply in turn: one with `!` in front takes out again what an
 * earlier one took in.
 */
export function select(paths: readonly string[], globs: readonly string[]): string[] {
  const rules = globs.map((glob) => ({ include: !glob.startsWith("!"), pattern: globToRegExp(glob.replace(/^!/, "")) }));
  return paths.filter((path) => rules.findLast(({ pattern }) => pattern.test(path))?.include ?? false);
}

function escape(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
