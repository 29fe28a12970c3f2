import ts from "typescript";

/**
 * What a module loads when it runs: the specifiers of its imports and re-exports, of `import("literal")`, and of `new URL("literal",
 * import.meta.url)`, which is how workers and data files are named. Imports of types only are erased and left out. Pure.
 */
export function imports(path: string, source: string): string[] {
  return [...new Set(specifiers(path, source).map(({ text }) => text))];
}

/** The literal that names what is loaded. */
interface Specifier {
  readonly text: string;
  /** Where the literal ends in the source, its closing quote included. */
  readonly end: number;
}

/** Each place where `imports` has something from, in the order of the source. Pure. */
export function specifiers(path: string, source: string): Specifier[] {
  const found: Specifier[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = staticSpecifier(node) ?? dynamicSpecifier(node) ?? urlSpecifier(node);
    if (specifier) found.push({ text: specifier.text, end: specifier.end });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.ESNext));
  return found;
}

function staticSpecifier(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? undefined : literal(node.moduleSpecifier);
  }
  if (ts.isExportDeclaration(node)) return node.isTypeOnly ? undefined : literal(node.moduleSpecifier);
  return undefined;
}

function dynamicSpecifier(node: ts.Node): ts.StringLiteralLike | undefined {
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return undefined;
  return literal(node.arguments[0]);
}

function urlSpecifier(node: ts.Node): ts.StringLiteralLike | undefined {
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression) || node.expression.text !== "URL") return undefined;
  const [specifier, base] = node.arguments ?? [];
  const ofModule = base && ts.isPropertyAccessExpression(base) && ts.isMetaProperty(base.expression) && base.name.text === "url";
  const path = ofModule ? literal(specifier) : undefined;
  return path && /^\.\.?\//.test(path.text) ? path : undefined;
}

function literal(node: ts.Node | undefined): ts.StringLiteralLike | undefined {
  return node && ts.isStringLiteralLike(node) ? node : undefined;
}
