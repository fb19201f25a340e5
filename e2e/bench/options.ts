import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly work: 'direct';
  /** One JSON object as the last line. */
  readonly json: boolean;
  /** Direct conversations; both people of each send. */
  readonly pairs: number;
  /** Text bytes of one message. */
  readonly size: number;
  /** Messages before the measured ones: checked, but not counted. */
  readonly warmup: number;
  readonly load: ClosedLoop | OpenLoop;
  /** Folder for CPU profiles of the server; empty: none. */
  readonly profile: string;
}

/** Each pair keeps `window` sends unanswered: how much can it do? */
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

export const usage = `npm run bench -- direct [options]
  --json               the figures as one JSON object on the last line
  --pairs N            direct conversations, both people send (50)
  --window N           unanswered sends of a pair (10)
  --messages N         messages to send (20000)
  --rate N --seconds S instead: N messages a second for S seconds, whatever the answers
  --size N             bytes of text in a message (100)
  --warmup N           messages before the measured ones (2000)
  --cpu-prof DIR       writes CPU profiles of the server there`;

export function readOptions(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parse(argv);
  if (positionals.length !== 1 || positionals[0] !== 'direct') {
    throw new UsageError(`which work? Known: direct. Not ${JSON.stringify(positionals.join(' '))}`);
  }
  const open = values.rate !== undefined || values.seconds !== undefined;
  if (open && (values.window !== undefined || values.messages !== undefined)) {
    throw new UsageError('--rate and --seconds do not go with --window and --messages');
  }
  return {
    work: 'direct',
    json: values.json ?? false,
    pairs: count('pairs', values.pairs, 50),
    size: count('size', values.size, 100),
    warmup: count('warmup', values.warmup, 2_000, 0),
    profile: values['cpu-prof'] ?? '',
    load: open
      ? { kind: 'open', rate: count('rate', values.rate, 1_000), seconds: count('seconds', values.seconds, 20) }
      : {
          kind: 'closed',
          window: count('window', values.window, 10),
          messages: count('messages', values.messages, 20_000),
        },
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        pairs: text,
        window: text,
        messages: text,
        rate: text,
        seconds: text,
        size: text,
        warmup: text,
        'cpu-prof': text,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0] ?? 'wrong options');
  }
}

function count(name: string, text: string | undefined, standard: number, least = 1): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < least) {
    throw new UsageError(`--${name} has to be a whole number, at least ${least}, not ${JSON.stringify(text)}`);
  }
  return value;
}
