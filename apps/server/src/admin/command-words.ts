import { adminTokenOfSecret } from './admin-token.ts';

/** What the words after `npm run admin --` mean. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  /** With the query. */
  readonly path: string;
  readonly body: unknown;
}

export interface AdminWords {
  readonly at: string;
  /** Where the token of a single process is. */
  readonly data: string;
  readonly token: string | undefined;
  readonly request: AdminRequest;
}

/** The words are wrong; exit code 2. */
export class WrongWords extends Error {}

export const helpText = `npm run admin -- COMMAND [--at URL] [--data FOLDER]

  gates                                       gates: address, load, which logic nodes they are linked to
  nodes                                       all nodes of the cluster
  connections [--user U] [--gate G] [--limit N]   connections, asked of the gates themselves
  routes [--user U] [--gate G] [--limit N]    where users can be reached, as the registry has it
  drain GATE                                  the gate takes nobody and asks its clients to go elsewhere
  reconnect GATE --window 60s                 all clients of the gate come back over the window
  kick --user U [--device D]                  ends the sessions of a user, or of one device
  trace --log-id N | --msg-id M               one message's way through the nodes
  intruders                                   who was refused, and why

  U is a user name or id, GATE a name or id of the list of gates.
  --at     the metrics port of any node (default http://127.0.0.1:8603, or FASTIM_ADMIN_AT)
  --data   the data folder of a single process, where its token is (default .fastim)
  The token: FASTIM_ADMIN_TOKEN or the file FASTIM_ADMIN_TOKEN_FILE; else FASTIM_CLUSTER_SECRET or its _FILE; else the
  file admin-token in the data folder.

The last line is the answer, as JSON. Exit code 0: done. 1: it could not be done. 2: wrong words.
`;

type Options = ReadonlyMap<string, string>;

interface Command {
  /** Names of what stands without an option. */
  readonly operands: readonly string[];
  readonly options: readonly string[];
  request(operands: readonly string[], options: Options): AdminRequest;
}

const list = (name: string): Command => ({
  operands: [],
  options: ['user', 'gate', 'limit'],
  request: (_operands, options) => get(name, options),
});
const plain = (name: string): Command => ({
  operands: [],
  options: [],
  request: () => get(name, new Map()),
});

const commands: { readonly [name: string]: Command } = {
  gates: plain('gates'),
  nodes: plain('nodes'),
  intruders: plain('intruders'),
  connections: list('connections'),
  routes: list('routes'),
  drain: {
    operands: ['GATE'],
    options: [],
    request: ([gate]) => post('drain', { gate }),
  },
  reconnect: {
    operands: ['GATE'],
    options: ['window'],
    request: ([gate], options) => post('reconnect', { gate, windowMs: msOf(need(options, 'window')) }),
  },
  kick: {
    operands: [],
    options: ['user', 'device'],
    request: (_operands, options) =>
      post('kick', { user: need(options, 'user'), device: options.get('device') ?? null }),
  },
  trace: {
    operands: [],
    options: ['log-id', 'msg-id'],
    request(_operands, options) {
      if (options.has('log-id') === options.has('msg-id')) throw new WrongWords('trace needs --log-id N or --msg-id M');
      const [logId, msgId] = [options.get('log-id'), options.get('msg-id')];
      return get('trace', new Map([logId === undefined ? ['msgId', msgId!] : ['logId', logId]]));
    },
  },
};

const everywhere = ['at', 'data'];

/** 'help': that is what was asked for. Throws WrongWords. */
export function readWords(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): AdminWords | 'help' {
  if (argv.includes('--help') || argv.includes('-h')) return 'help';
  const [name, ...rest] = argv;
  if (name === undefined) throw new WrongWords('say what to do (see --help)');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new WrongWords(`there is no command ${name} (see --help)`);
  const { operands, options } = readOptions(rest, [...command.options, ...everywhere]);
  if (operands.length !== command.operands.length) {
    throw new WrongWords(`${[name, ...command.operands].join(' ')}: ${operands.length} given (see --help)`);
  }
  const at = options.get('at') ?? env.FASTIM_ADMIN_AT ?? 'http://127.0.0.1:8603';
  if (!URL.canParse(at) || !/^https?:$/.test(new URL(at).protocol)) {
    throw new WrongWords('--at is an address like http://127.0.0.1:8603');
  }
  return {
    at: at.replace(/\/+$/, ''),
    data: options.get('data') ?? env.FASTIM_DATA ?? '.fastim',
    token: tokenFrom(env, readFile),
    request: command.request(operands, options),
  };
}

function tokenFrom(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): string | undefined {
  const read = (name: string): string | undefined => {
    const file = env[`${name}_FILE`];
    return env[name] || (file ? readFile(file).trim() : undefined);
  };
  const secret = read('FASTIM_CLUSTER_SECRET');
  return read('FASTIM_ADMIN_TOKEN') ?? (secret ? adminTokenOfSecret(secret) : undefined);
}

function readOptions(words: readonly string[], allowed: readonly string[]): { operands: string[]; options: Options } {
  const operands: string[] = [];
  const options = new Map<string, string>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    if (!word.startsWith('--')) {
      operands.push(word);
      continue;
    }
    const [name = '', ...joined] = word.slice(2).split('=');
    if (!allowed.includes(name)) throw new WrongWords(`--${name} is not an option here (see --help)`);
    if (options.has(name)) throw new WrongWords(`--${name} is given twice`);
    const value = joined.length > 0 ? joined.join('=') : words[index + 1];
    if (value === undefined || value === '') throw new WrongWords(`--${name} needs a value`);
    if (joined.length === 0) index += 1;
    options.set(name, value);
  }
  return { operands, options };
}

function need(options: Options, name: string): string {
  const value = options.get(name);
  if (value === undefined) throw new WrongWords(`--${name} is missing (see --help)`);
  return value;
}

const units: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** "60s", "5m", "250ms", "1h". */
function msOf(duration: string): number {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(duration) ?? [];
  const factor = units[unit];
  if (digits === undefined || factor === undefined) throw new WrongWords('--window is a time like 60s or 5m');
  return Number(digits) * factor;
}

function get(name: string, options: Options): AdminRequest {
  const query = new URLSearchParams([...options].filter(([option]) => !everywhere.includes(option))).toString();
  return { method: 'GET', path: `/admin/${name}${query ? `?${query}` : ''}`, body: undefined };
}

function post(name: string, body: unknown): AdminRequest {
  return { method: 'POST', path: `/admin/${name}`, body };
}
