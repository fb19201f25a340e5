/** The headless host's options: command line over FASTIM_DESKTOP_* variables over defaults. Bad ones are named. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { normaliseOrigin } from './origin-policy.ts';

export interface HeadlessOptions {
  /** Token and profiles; made if it is not there. */
  data: string;
  /** 0: any free port. */
  port: number;
  /** Where the login form of a new profile starts. */
  suggestedServerUrl: string;
  /** The built renderer; undefined: the one that was built with this host. */
  appDirectory: string | undefined;
  /** Beside the loopback names: where else the page may come from, when a server passes connections on to this host. */
  allowedOrigins: readonly string[];
  logLevel: LogLevel;
}

export type LogLevel = (typeof logLevels)[number];
const logLevels = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** What is wrong with the options, in words for the person who gave them. */
export class OptionsError extends Error {
  override name = 'OptionsError';
}

const options = {
  data: { variable: 'FASTIM_DESKTOP_DATA', value: 'DIR', help: 'data folder (default .fastim/desktop)' },
  port: { variable: 'FASTIM_DESKTOP_PORT', value: 'N', help: 'port on 127.0.0.1 (default 0: any free port)' },
  server: { variable: 'FASTIM_DESKTOP_SERVER', value: 'URL', help: 'server that the login form suggests' },
  'app-directory': { variable: 'FASTIM_DESKTOP_APP_DIRECTORY', value: 'DIR', help: 'the built app' },
  'allowed-origin': {
    variable: 'FASTIM_DESKTOP_ALLOWED_ORIGIN',
    value: 'ORIGIN',
    help: 'an origin besides loopback ones that may use the bridge; may be given several times (or with commas)',
  },
  'log-level': { variable: 'FASTIM_DESKTOP_LOG_LEVEL', value: 'LEVEL', help: `${logLevels.join(', ')} (default warn)` },
} as const;

export const DEFAULT_SERVER_URL = 'http://127.0.0.1:8600';

export function headlessHelp(): string {
  const rows = Object.entries(options).map(
    ([name, { value, help, variable }]) => `  ${`--${name} ${value}`.padEnd(24)} ${help}  [${variable}]`,
  );
  return `FastIM's chat app, served to a browser on this machine.\n\n${rows.join('\n')}\n  ${'--help'.padEnd(24)} this list`;
}

export function parseHeadlessOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): HeadlessOptions | 'help' {
  const given = commandLine(args);
  if (given.help === true) return 'help';
  const faults: string[] = unknownVariables(environment);
  const text = (name: keyof typeof options): { value: string; from: string } | undefined => {
    const value = given[name];
    if (typeof value === 'string') return { value, from: `--${name}` };
    const { variable } = options[name];
    const fallback = environment[variable];
    return fallback === undefined || fallback === '' ? undefined : { value: fallback, from: variable };
  };
  const read = <T>(
    name: keyof typeof options,
    standard: T,
    parse: (value: string) => T | undefined,
    rule: string,
  ): T => {
    const found = text(name);
    if (!found) return standard;
    const value = parse(found.value);
    if (value === undefined) faults.push(`${found.from}: ${JSON.stringify(found.value)} is not ${rule}`);
    return value ?? standard;
  };

  const folder = (value: string) => (value === '' ? undefined : resolve(workingDirectory, value));
  const listed = given['allowed-origin'];
  const origins = Array.isArray(listed) ? listed : (environment[options['allowed-origin'].variable] ?? '').split(',');
  const parsed: HeadlessOptions = {
    data: read('data', resolve(workingDirectory, '.fastim/desktop'), folder, 'a folder'),
    port: read('port', 0, readPort, 'a port (0 to 65535)'),
    suggestedServerUrl: read('server', DEFAULT_SERVER_URL, readServerUrl, 'an http or https address'),
    appDirectory: read<string | undefined>('app-directory', undefined, folder, 'a folder'),
    allowedOrigins: origins
      .map((origin) => origin.trim())
      .filter((origin) => origin !== '' || Array.isArray(listed))
      .map((origin) => {
        const normal = normaliseOrigin(origin);
        if (!normal)
          faults.push(`allowed-origin: ${JSON.stringify(origin)} is not an origin like http://chat.home:8600`);
        return normal ?? '';
      }),
    logLevel: read<LogLevel>(
      'log-level',
      'warn',
      (value) => logLevels.find((level) => level === value),
      `one of ${logLevels.join(', ')}`,
    ),
  };
  if (faults.length > 0) throw new OptionsError(faults.join('; '));
  return parsed;
}

function commandLine(args: readonly string[]): Record<string, string | string[] | boolean | undefined> {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        data: { type: 'string' },
        port: { type: 'string' },
        server: { type: 'string' },
        'app-directory': { type: 'string' },
        'allowed-origin': { type: 'string', multiple: true },
        'log-level': { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new OptionsError(`${error instanceof Error ? error.message : error}. Known options: ${known.join(', ')}`);
  }
}

function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.values(options).map(({ variable }) => variable as string);
  return Object.keys(environment)
    .filter((name) => name.startsWith('FASTIM_DESKTOP_') && !known.includes(name))
    .map((name) => `${name}: there is no such variable; known are ${known.join(', ')}`);
}

function readPort(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) <= 65_535 ? Number(value) : undefined;
}

const httpUrl = z.url({ protocol: /^https?$/ });

function readServerUrl(value: string): string | undefined {
  if (!httpUrl.safeParse(value).success) return undefined;
  const { username, password, search, hash } = new URL(value);
  return username || password || search || hash ? undefined : value.replace(/\/+$/, '');
}
