import { parseArgs } from 'node:util';

interface CommonOptions {
  /** One JSON object as the last line. */
  readonly json: boolean;
  /** Text bytes of one message. */
  readonly size: number;
  /** Messages before the measured ones: checked, but not counted. */
  readonly warmup: number;
  /** Folder for CPU profiles of the server; empty: none. */
  readonly profile: string;
}

export interface DirectOptions extends CommonOptions {
  readonly work: 'direct';
  /** Direct conversations; both people of each send. */
  readonly pairs: number;
  readonly load: ClosedLoop | OpenLoop;
  /** Against a local cluster instead of one process. */
  readonly cluster: boolean;
}

export interface StormOptions extends CommonOptions {
  readonly work: 'storm';
  /** Over all gates. */
  readonly clients: number;
}

export interface GroupOptions extends CommonOptions {
  readonly work: 'group';
  /** Of the one group. */
  readonly members: number;
  /** Of these, with a connection. */
  readonly online: number;
  readonly senders: number;
  /** Per cent of the connections that have the conversation on their screen; the others are told heads, and pull. */
  readonly viewing: number;
  readonly load: ClosedLoop | OpenLoop;
}

export interface SyncOptions extends CommonOptions {
  readonly work: 'sync';
  readonly conversations: number;
  /** Waiting, over all conversations. */
  readonly messages: number;
  /** Reconnects of the device with nothing new. */
  readonly reconnects: number;
}

export interface OverloadOptions extends CommonOptions {
  readonly work: 'overload';
  readonly pairs: number;
  /** Of each level. */
  readonly seconds: number;
  /** Multiples of the measured capacity. */
  readonly times: readonly number[];
}

export interface IdleOptions extends CommonOptions {
  readonly work: 'idle';
  readonly connections: number;
  readonly transport: 'tcp' | 'ws';
}

export type BenchOptions = DirectOptions | StormOptions | GroupOptions | SyncOptions | OverloadOptions | IdleOptions;

/** Each pair, or all senders together, keep `window` sends unanswered: how much can it do? */
export interface ClosedLoop {
  readonly kind: 'closed';
  readonly window: number;
  readonly messages: number;
}

/** Sends at fixed times, whatever the answers: how long does it take? */
export interface OpenLoop {
  readonly kind: 'open';
  readonly rate: number;
  readonly seconds: number;
}

/** What was typed cannot be used; one line that names it. */
export class UsageError extends Error {}

export const usage = `npm run bench -- direct | group | sync | storm | overload | idle [options]
  --json               the figures as one JSON object on the last line
  --size N             bytes of text in a message (100)
  --cpu-prof DIR       writes CPU profiles of the server there

direct and group:
  --window N           unanswered sends of a pair (10), or of all senders of the group (20)
  --messages N         messages to send (20000; group: 1000)
  --rate N --seconds S instead: N messages a second for S seconds, whatever the answers
  --warmup N           messages before the measured ones (2000; group: 100)

direct:
  --pairs N            direct conversations, both people send (50)
  --cluster            against a local cluster instead of one process

group:
  --members N          of the one group (500)
  --online N           members with a connection (all)
  --senders N          members who send (5)
  --viewing N          per cent of the connections with the conversation on the screen; the others pull (0)

sync:
  --conversations N    of the device that comes back (500), half of them groups
  --messages N         waiting for it, over all conversations (5000)
  --reconnects N       further log-ins with nothing new, for the cost of one (50)

storm:
  --clients N          over the three gates of a local cluster, of which one is killed (5000)

overload:
  --pairs N            direct conversations, both people send (150)
  --seconds S          of each level (20): 1, 3 and 10 times the capacity

idle:
  --connections N      logged in and silent (5000)
  --transport T        tcp or ws (tcp)`;

const works = [
  'direct',
  'group',
  'sync',
  'storm',
  'overload',
  'idle',
] as const satisfies readonly BenchOptions['work'][];

function isWork(work: string | undefined): work is BenchOptions['work'] {
  return works.some((known) => known === work);
}

export function readOptions(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parse(argv);
  const [work, ...more] = positionals;
  if (more.length > 0 || !isWork(work)) {
    throw new UsageError(`which work? Known: ${works.join(', ')}. Not ${JSON.stringify(positionals.join(' '))}`);
  }
  const given = new Options(work, values);
  const common = {
    json: values.json ?? false,
    size: given.count('size', 100),
    profile: values['cpu-prof'] ?? '',
  };
  const options = readWork(work, given, common);
  given.requireAllUsed();
  return options;
}

function readWork(work: BenchOptions['work'], given: Options, common: Omit<CommonOptions, 'warmup'>): BenchOptions {
  switch (work) {
    case 'direct':
      return {
        ...common,
        work,
        pairs: given.count('pairs', 50),
        warmup: given.count('warmup', 2_000, 0),
        load: given.load({ messages: 20_000, window: 10, rate: 1_000 }),
        cluster: given.flag('cluster'),
      };
    case 'storm':
      return { ...common, work, warmup: 0, clients: given.count('clients', 5_000, 6, 50_000) };
    case 'group': {
      const members = given.count('members', 500, 2);
      const online = given.count('online', members, 2, members);
      return {
        ...common,
        work,
        members,
        online,
        senders: given.count('senders', Math.min(5, online), 1, online),
        viewing: given.count('viewing', 0, 0, 100),
        warmup: given.count('warmup', 100, 0),
        load: given.load({ messages: 1_000, window: 20, rate: 20 }),
      };
    }
    case 'overload':
      return {
        ...common,
        work,
        warmup: 0,
        pairs: given.count('pairs', 150),
        seconds: given.count('seconds', 20),
        times: [1, 3, 10],
      };
    case 'idle':
      return {
        ...common,
        work,
        warmup: 0,
        connections: given.count('connections', 5_000),
        transport: given.oneOf('transport', ['tcp', 'ws']),
      };
    case 'sync':
      return {
        ...common,
        work,
        warmup: 0,
        conversations: given.count('conversations', 500, 2),
        messages: given.count('messages', 5_000),
        reconnects: given.count('reconnects', 50),
      };
  }
}

type Values = ReturnType<typeof parse>['values'];

/** What was typed; remembers what the work has asked for. */
class Options {
  readonly #work: string;
  readonly #values: Record<string, string | boolean | undefined>;
  readonly #used = new Set<string>(['json', 'cpu-prof']);

  constructor(work: string, values: Values) {
    this.#work = work;
    this.#values = { ...values };
  }

  count(name: string, standard: number, least = 1, most = Number.MAX_SAFE_INTEGER): number {
    this.#used.add(name);
    const text = this.#values[name];
    if (typeof text !== 'string') return standard;
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < least || value > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `from ${least} to ${most}`;
      throw new UsageError(`--${name} has to be a whole number, ${range}, not ${JSON.stringify(text)}`);
    }
    return value;
  }

  flag(name: string): boolean {
    this.#used.add(name);
    return this.#values[name] === true;
  }

  /** The first one is the standard. */
  oneOf<const T extends string>(name: string, known: readonly [T, ...T[]]): T {
    this.#used.add(name);
    const text = this.#values[name];
    if (text === undefined) return known[0];
    const found = known.find((each) => each === text);
    if (!found) throw new UsageError(`--${name} has to be ${known.join(' or ')}, not ${JSON.stringify(text)}`);
    return found;
  }

  load(standard: { messages: number; window: number; rate: number }): ClosedLoop | OpenLoop {
    for (const name of ['rate', 'seconds', 'window', 'messages']) this.#used.add(name);
    const { rate, seconds, window, messages } = this.#values;
    if (rate === undefined && seconds === undefined) {
      return {
        kind: 'closed',
        window: this.count('window', standard.window),
        messages: this.count('messages', standard.messages),
      };
    }
    if (window !== undefined || messages !== undefined) {
      throw new UsageError('--rate and --seconds do not go with --window and --messages');
    }
    return { kind: 'open', rate: this.count('rate', standard.rate), seconds: this.count('seconds', 20) };
  }

  requireAllUsed(): void {
    for (const [name, value] of Object.entries(this.#values)) {
      if (value !== undefined && !this.#used.has(name)) throw new UsageError(`--${name} is not for ${this.#work}`);
    }
  }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        cluster: { type: 'boolean' },
        clients: text,
        pairs: text,
        members: text,
        online: text,
        senders: text,
        viewing: text,
        conversations: text,
        reconnects: text,
        window: text,
        messages: text,
        rate: text,
        seconds: text,
        size: text,
        warmup: text,
        connections: text,
        transport: text,
        'cpu-prof': text,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0] ?? 'wrong options');
  }
}
