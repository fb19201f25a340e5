import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly minutes: number;
  readonly json: boolean;
  readonly seed: number;
  /** Devices. */
  readonly clients: number;
  /** Messages a second, over all devices, while everything works. */
  readonly rate: number;
  readonly faultsPerMinute: number;
  /** Kinds of fault; none given: all. */
  readonly only: readonly string[];
  /** The folder of logs and histories stays also when all is well. */
  readonly keep: boolean;
}

/** What was typed cannot be used; one line that names it. */
export class UsageError extends Error {}

export const usage = `npm run chaos -- [options]
  --minutes M          of traffic under faults (2)
  --json               the result as one JSON object on the last line
  --seed S             for the choice of faults; the same seed, the same plan (random)
  --clients N          devices on the client SDK (24)
  --rate N             messages a second over all devices (90)
  --faults N           faults a minute (6)
  --only A,B           these kinds of fault only
  --keep               keeps the folder with logs and histories also when all is well`;

export function readOptions(argv: readonly string[]): ChaosOptions {
  const values = parse(argv);
  const only = (values.only ?? '').split(',').filter(Boolean);
  return {
    minutes: number('minutes', values.minutes, 2, 0.1, 600),
    json: values.json ?? false,
    seed: whole('seed', values.seed, randomInt(1_000_000), 0, 0xffffffff),
    clients: whole('clients', values.clients, 24, 4, 500),
    rate: whole('rate', values.rate, 90, 1, 10_000),
    faultsPerMinute: number('faults', values.faults, 6, 0, 60),
    only,
    keep: values.keep ?? false,
  };
}

function number(name: string, text: string | undefined, standard: number, least: number, most: number): number {
  if (text === undefined) return standard;
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > most) {
    throw new UsageError(`--${name} has to be a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
  }
  return value;
}

function whole(name: string, text: string | undefined, standard: number, least: number, most: number): number {
  const value = number(name, text, standard, least, most);
  if (!Number.isInteger(value)) throw new UsageError(`--${name} has to be a whole number, not ${text}`);
  return value;
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
        minutes: text,
        seed: text,
        clients: text,
        rate: text,
        faults: text,
        only: text,
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0] ?? 'wrong options');
  }
}
