import { readFileSync } from 'node:fs';
import { type Config, configSchema } from './config.ts';
import { type ConfigKey, configKeys, nearest } from './config-keys.ts';
import { GrayRuleError, parseGrayRule } from './lsb/gray-rule-text.ts';
import { roleProblem } from './role-config.ts';

/** What the operator wrote cannot be used; one line that names it. Exit code 2. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

export type LoadedConfig = { action: 'run'; config: Config } | { action: 'help' } | { action: 'version' };

/** Variables that belong to other programs of the project, and those of tests. */
const otherVariables: ReadonlySet<string> = new Set([
  'FASTIM_CONFIG',
  'FASTIM_CHROMIUM',
  'FASTIM_DEMO_TOKEN',
  'FASTIM_NO_OPEN',
  'FASTIM_STOP_WITH_STDIN',
]);
const otherPrefixes = ['FASTIM_TEST_', 'FASTIM_BENCH_', 'FASTIM_DESKTOP_'];

type Tree = { [name: string]: unknown };

/**
 * The configuration from its four sources, each over the one before: defaults, the file, the environment, the command
 * line. Throws ConfigError for anything that is unknown or not allowed; nothing is ignored. Frozen to the leaves.
 */
export function loadConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  const commandLine = readArguments(argv);
  if (commandLine.action !== 'run') return commandLine;
  const values: Tree = {};
  const file = commandLine.configFile ?? env.FASTIM_CONFIG;
  if (file) applyFile(values, file);
  applyEnvironment(values, env);
  for (const { key, text, source } of commandLine.options) put(values, key, key.fromText(text), source, text);
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${issue?.path.join('.') ?? 'configuration'}: ${issue?.message ?? 'not allowed'}`);
  }
  requireGrayRules(parsed.data.gate.grayRules);
  return { action: 'run', config: deepFreeze(parsed.data) };
}

function requireGrayRules(texts: readonly string[]): void {
  for (const text of texts) {
    try {
      parseGrayRule(text);
    } catch (error) {
      if (error instanceof GrayRuleError) throw new ConfigError(`gate.grayRules: ${error.message}`);
      throw error;
    }
  }
}

/** Throws ConfigError when a server cannot run with it, though every value is allowed by itself. */
export function requireRunnable(config: Config): void {
  const problem = roleProblem(config);
  if (problem !== undefined) throw new ConfigError(problem);
}

interface GivenOption {
  key: ConfigKey;
  text: string;
  source: string;
}

type Arguments =
  | { action: 'help' }
  | { action: 'version' }
  | { action: 'run'; configFile: string | undefined; options: GivenOption[] };

function readArguments(argv: readonly string[]): Arguments {
  const options: GivenOption[] = [];
  let configFile: string | undefined;
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index]!;
    if (argument === '--help' || argument === '-h') return { action: 'help' };
    if (argument === '--version' || argument === '-v') return { action: 'version' };
    if (!argument.startsWith('--')) throw new ConfigError(`unknown argument ${quote(argument)} (see --help)`);
    const equals = argument.indexOf('=');
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const key = configKeys.find((candidate) => candidate.option === name);
    if (!key && name !== '--config') {
      const known = ['--config', '--help', '--version', ...configKeys.map((candidate) => candidate.option)];
      throw new ConfigError(`unknown option ${clip(name)}${suggestion(name, known)}`);
    }
    let text: string | undefined;
    if (equals >= 0) text = argument.slice(equals + 1);
    else {
      index += 1;
      text = argv[index];
    }
    if (text === undefined || (equals < 0 && text.startsWith('--'))) throw new ConfigError(`${name} needs a value`);
    if (key) options.push({ key, text, source: name });
    else configFile = text;
  }
  return { action: 'run', configFile, options };
}

function applyFile(values: Tree, file: string): void {
  let tree: unknown;
  const text = readText(file, '--config');
  try {
    tree = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file} is not JSON: ${(error as Error).message.replaceAll(/\s+/g, ' ')}`);
  }
  applyTree(values, tree, [], file);
}

function applyTree(values: Tree, node: unknown, path: readonly string[], file: string): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    throw new ConfigError(`${file}: ${path.join('.') || 'the file'} has to be an object`);
  }
  for (const [name, value] of Object.entries(node)) {
    const place = [...path, name];
    const dotted = place.join('.');
    const key = configKeys.find((candidate) => candidate.path.join('.') === dotted);
    if (key) {
      put(values, key, value, `${file}: ${dotted}`, value);
      continue;
    }
    if (!configKeys.some((candidate) => candidate.path.join('.').startsWith(`${dotted}.`))) {
      const known = configKeys.map((candidate) => candidate.path.join('.'));
      throw new ConfigError(`${file}: unknown key ${clip(dotted)}${suggestion(dotted, known)}`);
    }
    applyTree(values, value, place, file);
  }
}

function applyEnvironment(values: Tree, env: Readonly<Record<string, string | undefined>>): void {
  const given = new Map<string, string>();
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('FASTIM_') || text === undefined) continue;
    if (otherVariables.has(name) || otherPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    let key = configKeys.find((candidate) => candidate.variable === name);
    let value = text;
    // FASTIM_LOG_FILE is a key of its own; only what is no key is "read it from this file".
    if (!key && name.endsWith('_FILE')) {
      key = configKeys.find((candidate) => candidate.variable === name.slice(0, -'_FILE'.length));
      if (key) value = readText(text, name).replace(/\r?\n$/, '');
    }
    if (!key) {
      throw new ConfigError(
        `unknown variable ${clip(name)}${suggestion(
          name,
          configKeys.map((candidate) => candidate.variable),
        )}`,
      );
    }
    const other = given.get(key.variable);
    if (other) throw new ConfigError(`${other} and ${name} both set ${key.path.join('.')}: keep one`);
    given.set(key.variable, name);
    put(values, key, key.fromText(value), name, value);
  }
}

function put(values: Tree, key: ConfigKey, value: unknown, source: string, written: unknown): void {
  const checked = key.schema.safeParse(value);
  if (!checked.success) {
    throw new ConfigError(`${source}: ${key.expects}${key.secret ? '' : `, not ${quote(written)}`}`);
  }
  let node = values;
  for (const name of key.path.slice(0, -1)) {
    node[name] ??= {};
    node = node[name] as Tree;
  }
  node[key.path.at(-1)!] = checked.data;
}

function readText(file: string, source: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${source}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
}

function suggestion(name: string, known: readonly string[]): string {
  const best = nearest(name, known);
  return best ? ` (did you mean ${best}?)` : '';
}

function quote(value: unknown): string {
  return clip(JSON.stringify(value) ?? String(value));
}

/** One line, of a length that a terminal can show. */
function clip(text: string): string {
  const line = text.replaceAll(/[\p{Cc}]/gu, '?');
  return line.length > 80 ? `${line.slice(0, 77)}...` : line;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
