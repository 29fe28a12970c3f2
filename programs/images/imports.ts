import ts from "typescript";

/**
 * What a module loads when it runs: the specifiers of its imports and re-exports, of `import("literal")`, and of `new URL("literal",
 * import.meta.url)`, which is how workers and data files are named. Imports of types only are erased and left out. Pure.
 */
export function imports(path: string, source: string): string[] {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    const specifier = staticSpecifier(node) ?? dynamicSpecifier(node) ?? urlSpecifier(node);
    if (specifier !== undefined) found.add(specifier);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.ESNext));
  return [...found];
}

function staticSpecifier(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node)) {
    return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? undefined : literal(node.moduleSpecifier);
  }
  if (ts.isExportDeclaration(node)) return node.isTypeOnly ? undefined : literal(node.moduleSpecifier);
  return undefined;
}

function dynamicSpecifier(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return undefined;
  return literal(node.arguments[0]);
}

function urlSpecifier(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression) || node.expression.text !== "URL") return undefined;
  const [specifier, base] = node.arguments ?? [];
  const ofModule = base && ts.isPropertyAccessExpression(base) && ts.isMetaProperty(base.expression) && base.name.text === "url";
  const path = ofModule ? literal(specifier) : undefined;
  return path?.startsWith("./") || path?.startsWith("../") ? path : undefined;
}

function literal(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}
