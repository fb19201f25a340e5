import { posix } from 'node:path';
import { type Import, readSource } from './read-source.ts';
import { deepRule, nowhereRule, testingRule, testRule, type Zone, zones } from './zones.ts';

export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly rule: string;
}

/** What the packages of the workspace offer: specifier → source file, both as written, from the root. */
export type PublicExports = ReadonlyMap<string, string>;

/** Files that tests of every package may import. */
const testHelpers = ['scripts/test-scale.ts'];

/** `file` is the path from the root, with forward slashes. */
export function checkSource(file: string, source: string, publicExports: PublicExports): Violation[] {
  const zone = zoneOf(file);
  if (!zone) return [{ file, line: 1, what: 'lies outside every zone', rule: nowhereRule }];
  const { imports, uses } = readSource(file, source);
  const violations: Violation[] = [];
  for (const one of imports) {
    const rule = brokenRule(file, zone, one, publicExports);
    if (rule) violations.push({ file, line: one.line, what: `imports ${one.specifier}`, rule });
  }
  if (!isTest(file)) {
    for (const { name, line } of uses) {
      if (zone.notGlobals?.includes(name)) violations.push({ file, line, what: `uses ${name}`, rule: zone.rule });
    }
  }
  return violations;
}

function brokenRule(file: string, zone: Zone, one: Import, publicExports: PublicExports): string | undefined {
  if (one.specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), one.specifier);
    if (isTest(file) && testHelpers.includes(target)) return undefined;
    const reachesOut = packageOf(target) !== packageOf(file);
    if (reachesOut && !zone.inside?.some((folder) => target.startsWith(folder))) return deepRule;
    return brokenByTarget(file, zone, target, one.typeOnly);
  }
  if (one.specifier.startsWith('@fastim/')) {
    const target = publicExports.get(one.specifier);
    return target === undefined ? deepRule : brokenByTarget(file, zone, target, one.typeOnly);
  }
  if (isTest(file) || isAllowedPackage(zone, one.specifier)) return undefined;
  return zone.rule;
}

function brokenByTarget(file: string, zone: Zone, target: string, typeOnly: boolean): string | undefined {
  const other = zoneOf(target);
  if (isTest(file)) return other || packageOf(target) === packageOf(file) ? undefined : testRule;
  if (!other) return isGeneratedOrData(target) ? undefined : nowhereRule;
  if (zone.zones.includes(other.name) || (other === zone && !isTest(target))) return undefined;
  if (isTestOnly(target)) return testingRule;
  return typeOnly && zone.types?.includes(other.name) ? undefined : zone.rule;
}

/** The zone with the longest path that the file lies in. */
export function zoneOf(file: string): Zone | undefined {
  return zones
    .filter(({ path }) => (path.endsWith('/') ? file.startsWith(path) : file === path))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
}

/** "packages/core", "apps/server" …; what lies outside belongs to the root package. */
function packageOf(file: string): string {
  return /^(?:packages|apps)\/[^/]+|^e2e/.exec(file)?.[0] ?? '';
}

function isAllowedPackage(zone: Zone, specifier: string): boolean {
  const matches = (pattern: string) =>
    pattern === '*' ||
    specifier === pattern ||
    specifier.startsWith(`${pattern}/`) ||
    (pattern === 'node:*' && specifier.startsWith('node:'));
  return zone.packages.some(matches) && !zone.notPackages?.some(matches);
}

function isTest(file: string): boolean {
  return /\.test\.tsx?$/.test(file) || (isTestOnly(file) && zoneOf(file)?.name !== 'core/testing');
}

function isTestOnly(file: string): boolean {
  return file.includes('/testing/');
}

/** Style sheets, pictures, JSON, and what a build step makes. */
function isGeneratedOrData(target: string): boolean {
  return target.includes('/generated/') || !/\.(?:tsx?|js|mjs)$/.test(target);
}
