// Checks the layering rule (scripts/layers/zones.ts) over the whole tree: prints file:line and the rule, exits 1.
import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkSource, type PublicExports, type Violation } from './layers/check-source.ts';

const sources = ['packages/*/src/**/*.{ts,tsx}', 'apps/*/src/**/*.{ts,tsx}', 'e2e/**/*.ts', 'scripts/**/*.ts'];
const skipped = /(?:^|\/)(?:node_modules|dist|generated)\/|\.d\.ts$/;

/** All violations in the tree below `root`, and how many files were read. */
export function checkTree(root: string): { files: number; violations: Violation[] } {
  const files = globSync(sources, { cwd: root, exclude: (name) => name.endsWith('node_modules') })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !skipped.test(file))
    .toSorted();
  const publicExports = readPublicExports(root);
  return {
    files: files.length,
    violations: files.flatMap((file) => checkSource(file, readFileSync(join(root, file), 'utf8'), publicExports)),
  };
}

/** What the package.json files say that others may import. */
export function readPublicExports(root: string): PublicExports {
  const found = new Map<string, string>();
  for (const manifest of globSync(['packages/*/package.json', 'apps/*/package.json'], { cwd: root })) {
    const { name, exports = {} }: { name: string; exports?: Record<string, { 'fastim-source': string }> } = JSON.parse(
      readFileSync(join(root, manifest), 'utf8'),
    );
    const folder = posix.dirname(manifest.replaceAll('\\', '/'));
    for (const [path, conditions] of Object.entries(exports)) {
      found.set(posix.join(name, path), posix.join(folder, conditions['fastim-source']));
    }
  }
  return found;
}

if (import.meta.main) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
  const { files, violations } = checkTree(root);
  for (const { file, line, what, rule } of violations) console.error(`${file}:${line} ${what}\n    ${rule}`);
  if (violations.length > 0) {
    console.error(`${violations.length} violations of the layering rule in ${files} files`);
    process.exitCode = 1;
  } else if (files === 0) {
    console.error(`no source files below ${root}`);
    process.exitCode = 1;
  }
}
