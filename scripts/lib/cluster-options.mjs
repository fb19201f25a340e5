// The options of `npm run cluster`. Bad ones are named.
import { parseArgs } from 'node:util';
import { SetupError } from './project.mjs';

/**
 * @typedef {object} ClusterOptions
 * @property {number} lsbs
 * @property {number} gates
 * @property {number} apis
 * @property {number} logics
 * @property {string} data
 * @property {boolean} demo
 * @property {boolean} app
 * @property {boolean} help
 */

const MOST = 20;

/** @type {Record<string, { value: string | undefined, help: string }>} */
const known = {
  lsb: { value: 'N', help: 'processes that tell clients where to connect (default 2)' },
  gates: { value: 'N', help: 'processes that hold connections (default 3)' },
  api: { value: 'N', help: 'processes for HTTP (default 2)' },
  logic: { value: 'N', help: 'processes with the rules (default 3)' },
  data: { value: 'DIR', help: 'everything is kept here, for the next start too (default .fastim-cluster)' },
  demo: { value: undefined, help: 'two people, logged in, with a conversation' },
  'no-app': { value: undefined, help: 'without the chat app in the browser' },
  help: { value: undefined, help: 'this list' },
};

export function clusterHelp() {
  const rows = Object.entries(known).map(([name, { value, help }]) => {
    const option = `--${name}${value ? ` ${value}` : ''}`;
    return `  ${option.padEnd(14)} ${help}`;
  });
  return `npm run cluster -- [options]\n\nStarts a whole cluster on this machine, with a PostgreSQL and a Redis of its own. Ctrl-C stops it.\n\n${rows.join('\n')}`;
}

/**
 * @param {readonly string[]} args
 * @returns {ClusterOptions}
 */
export function parseClusterOptions(args) {
  /** @type {Record<string, string | boolean | undefined>} */
  let given;
  try {
    given = parseArgs({
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
  /** @param {string} name @param {number} fallback */
  const count = (name, fallback) => {
    const text = given[name];
    if (text === undefined) return fallback;
    const value = /^\d{1,3}$/.test(String(text)) ? Number(text) : 0;
    if (value < 1 || value > MOST) throw new SetupError(`--${name}: ${text} is not a number from 1 to ${MOST}`);
    return value;
  };
  return {
    lsbs: count('lsb', 2),
    gates: count('gates', 3),
    apis: count('api', 2),
    logics: count('logic', 3),
    data: String(given.data ?? '.fastim-cluster'),
    demo: given.demo === true,
    app: given['no-app'] !== true,
    help: given.help === true,
  };
}
