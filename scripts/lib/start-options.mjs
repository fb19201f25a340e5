// The options of `npm start`: command line over FASTIM_* variables over defaults. Bad ones are named.
import { parseArgs } from 'node:util';
import { SetupError } from './project.mjs';

/**
 * @typedef {object} StartOptions
 * @property {string | undefined} data undefined: `.fastim`, or `.fastim/demo` with --demo
 * @property {string} host
 * @property {number} port
 * @property {number} tcpPort
 * @property {number} wsPort
 * @property {number} metricsPort
 * @property {boolean} open
 * @property {boolean} demo
 * @property {boolean} help
 */

/** @type {Record<string, { env: string | undefined, value: string | undefined, help: string }>} */
const known = {
  data: { env: 'FASTIM_DATA', value: 'DIR', help: 'data folder (default .fastim)' },
  port: { env: 'FASTIM_PORT', value: 'N', help: 'HTTP API and browser app (default 8600; 0: any free port)' },
  'tcp-port': { env: 'FASTIM_TCP_PORT', value: 'N', help: 'client connections over TCP (default 8601)' },
  'ws-port': { env: 'FASTIM_WS_PORT', value: 'N', help: 'client connections over WebSocket (default 8602)' },
  'metrics-port': { env: 'FASTIM_METRICS_PORT', value: 'N', help: 'Prometheus, on loopback (default 8603)' },
  host: { env: 'FASTIM_HOST', value: 'ADDRESS', help: 'where the server listens (default 127.0.0.1)' },
  'no-open': { env: 'FASTIM_NO_OPEN', value: undefined, help: 'do not open a window or browser' },
  demo: { env: undefined, value: undefined, help: 'two people, logged in, with a conversation' },
  help: { env: undefined, value: undefined, help: 'this list' },
};

export function startHelp() {
  const rows = Object.entries(known).map(([name, { value, env, help }]) => {
    const option = `--${name}${value ? ` ${value}` : ''}`;
    return `  ${option.padEnd(18)} ${help}${env ? `  [${env}]` : ''}`;
  });
  return `npm start -- [options]\n\nStarts the FastIM server and the chat app.\n\n${rows.join('\n')}`;
}

/**
 * @param {readonly string[]} args
 * @param {Record<string, string | undefined>} env
 * @returns {StartOptions}
 */
export function parseStartOptions(args, env) {
  /** @type {Record<string, string>} */
  const given = {};
  for (const [name, { env: variable }] of Object.entries(known)) {
    const value = variable && env[variable];
    if (value) given[name] = value;
  }
  for (const [name, value] of Object.entries(commandLine(args))) given[name] = String(value);
  const host = given.host ?? '127.0.0.1';
  const demo = flag(given, 'demo');
  if (demo && !['127.0.0.1', '::1', 'localhost'].includes(host)) {
    throw new SetupError(`--demo is for this machine only: --host ${host} is not a loopback address`);
  }
  return {
    data: given.data,
    host,
    port: port(given, 'port', 8600),
    tcpPort: port(given, 'tcp-port', 8601),
    wsPort: port(given, 'ws-port', 8602),
    metricsPort: port(given, 'metrics-port', 8603),
    open: !flag(given, 'no-open'),
    demo,
    help: flag(given, 'help'),
  };
}

/** @param {readonly string[]} args */
function commandLine(args) {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: Object.fromEntries(
        Object.entries(known).map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }]),
      ),
    }).values;
  } catch (error) {
    const names = Object.keys(known).map((name) => `--${name}`);
    throw new SetupError(`${error instanceof Error ? error.message : error}. Known options: ${names.join(', ')}`);
  }
}

/**
 * @param {Record<string, string>} given
 * @param {string} name
 * @param {number} fallback
 */
function port(given, name, fallback) {
  const text = given[name];
  if (text === undefined) return fallback;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 65_535)) throw new SetupError(`--${name}: ${text} is not a port (0 to 65535)`);
  return value;
}

/**
 * @param {Record<string, string>} given
 * @param {string} name
 */
function flag(given, name) {
  const text = given[name];
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true') return true;
  throw new SetupError(`${known[name]?.env ?? `--${name}`}: ${text} is not 1 or 0`);
}
