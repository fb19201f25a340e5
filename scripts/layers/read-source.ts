import { parseSync } from 'vite';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

export interface Use {
  readonly name: string;
  readonly line: number;
}

export interface SourceFacts {
  readonly imports: readonly Import[];
  /** Free names of interest: `name`, and `Date.now`, `Math.random`, `new Date()` as they are written. */
  readonly uses: readonly Use[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** Throws for source that cannot be parsed, with file and line. */
export function readSource(file: string, source: string): SourceFacts {
  const { program, errors } = parseSync(file, source);
  const first = errors[0];
  if (first) throw new Error(`${file}: ${first.message}`);

  const lineAt = lineCounter(source);
  const imports: Import[] = [];
  const uses: Array<Use & { root: string }> = [];
  const bound = new Set<string>();

  const addImport = (node: Node, target: unknown, typeOnly: boolean) => {
    const specifier = literal(target);
    if (specifier !== undefined) imports.push({ specifier, line: lineAt(node.start), typeOnly });
  };
  const addUse = (node: Node, root: string, name = root) => uses.push({ name, root, line: lineAt(node.start) });

  visit(program as unknown as Node, (node, parent, key) => {
    switch (node.type) {
      case 'ImportDeclaration':
        addImport(node, node.source, node.importKind === 'type' || allTypes(node, 'importKind'));
        break;
      case 'ExportNamedDeclaration':
        addImport(node, node.source, node.exportKind === 'type' || allTypes(node, 'exportKind'));
        break;
      case 'ExportAllDeclaration':
        addImport(node, node.source, node.exportKind === 'type');
        break;
      case 'ImportExpression':
        addImport(node, node.source, false);
        break;
      case 'TSImportType':
        addImport(node, node.source, true);
        break;
      case 'CallExpression':
        if (isName(node.callee, 'require')) addImport(node, list(node.arguments)[0], false);
        break;
      case 'MemberExpression': {
        const object = nameOf(node.object);
        const property = nameOf(node.property) ?? literal(node.property);
        if (object && property) addUse(node, object, `${object}.${property}`);
        // globalThis.setTimeout is setTimeout.
        if (object === 'globalThis' && property) {
          addUse(node, object, property);
          const outer = parent?.type === 'MemberExpression' ? nameOf(parent.property) : undefined;
          if (outer) addUse(node, object, `${property}.${outer}`);
        }
        break;
      }
      case 'NewExpression':
        if (isName(node.callee, 'Date') && list(node.arguments).length === 0) addUse(node, 'Date', 'new Date()');
        break;
      case 'Identifier':
        if (isBinding(parent, key)) bound.add(String(node.name));
        else if (isReference(parent, key)) addUse(node, String(node.name));
        break;
    }
  });
  return { imports, uses: uses.filter(({ root }) => !bound.has(root)).map(({ name, line }) => ({ name, line })) };
}

function visit(
  node: Node,
  enter: (node: Node, parent: Node | undefined, key: string) => void,
  parent?: Node,
  key = '',
): void {
  enter(node, parent, key);
  for (const [childKey, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) visit(child, enter, node, childKey);
    }
  }
}

function isBinding(parent: Node | undefined, key: string): boolean {
  if (!parent) return false;
  if (key === 'params' || key === 'local') return true;
  if (key === 'id') return parent.type !== 'TSTypeAliasDeclaration' && parent.type !== 'TSInterfaceDeclaration';
  if (parent.type === 'AssignmentPattern' || parent.type === 'RestElement') return key === 'left' || key === 'argument';
  return parent.type === 'CatchClause' && key === 'param';
}

/** Whether the name stands for a value from around, and not for a property, a label or a type. */
function isReference(parent: Node | undefined, key: string): boolean {
  if (!parent) return false;
  if (key === 'property' || key === 'key') return parent.computed === true;
  return !parent.type.startsWith('TS') || parent.type === 'TSAsExpression' || parent.type === 'TSNonNullExpression';
}

function allTypes(node: Node, kind: 'importKind' | 'exportKind'): boolean {
  const specifiers = list(node.specifiers);
  return specifiers.length > 0 && specifiers.every((specifier) => isNode(specifier) && specifier[kind] === 'type');
}

function lineCounter(source: string): (offset: number) => number {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Identifier' ? String(value.name) : undefined;
}

function isName(value: unknown, name: string): boolean {
  return nameOf(value) === name;
}

function literal(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Literal' && typeof value.value === 'string') return value.value;
  if (value.type === 'TSLiteralType') return literal(value.literal);
  return undefined;
}
