import ts from "typescript";

/** What a file declares at its top: a name, and whether it is a type or is exported, so that others meet it. */
interface Declared {
  readonly file: string;
  readonly name: string;
  readonly isKnown: boolean;
}

/** Names that have two meanings: a type, or something exported, whose name another file has for something of its own. */
export function ambiguous(sources: ReadonlyMap<string, string>): string[] {
  const byName = Map.groupBy([...sources].flatMap(([file, text]) => declarations(file, text)), ({ name }) => name);
  return [...byName].flatMap(([name, all]) => {
    const files = new Set(all.map(({ file }) => file));
    return files.size > 1 && all.some(({ isKnown }) => isKnown) ? [`${name}: ${[...files].sort().join(", ")}`] : [];
  });
}

function declarations(file: string, text: string): Declared[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    const isExported = ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isClassDeclaration(statement);
    return namesOf(statement).map((name) => ({ file, name, isKnown: isExported || isType }));
  });
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? name.text : []));
  const isNamed =
    ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
}
