import { parseArgs } from 'node:util';

export type Command =
  | {
      readonly type: 'campaign';
      readonly from: number;
      readonly seeds: number;
      readonly alone: boolean;
      readonly json: boolean;
    }
  | {
      readonly type: 'one';
      readonly seed: number;
      readonly trace: boolean;
      readonly alone: boolean;
      readonly planted: string | undefined;
    }
  | { readonly type: 'shrink'; readonly seed: number; readonly alone: boolean; readonly planted: string | undefined }
  | { readonly type: 'planted'; readonly json: boolean; readonly most: number };

export class UsageError extends Error {}

export const usage = `npm run simulate -- --seeds N [--from K] [--json]   N runs, beginning with seed K (1)
npm run simulate -- --seed K [--trace]               one run; every step in words
npm run simulate -- --seed K --shrink                the same with as few faults and operations as break it still
npm run simulate -- --planted [--json]               looks for every planted bug, in up to 2,000 seeds each
  --alone                                            one logic node, as in an all-in-one server
  --bug NAME                                         with --seed: with this bug planted`;

export function readOptions(args: readonly string[]): Command {
  const { values } = parse(args);
  const { json = false, alone = false } = values;
  if (values.planted) return { type: 'planted', json, most: number(values.most, 'most') ?? 2_000 };
  const seed = number(values.seed, 'seed');
  if (seed !== undefined) {
    if (values.shrink) return { type: 'shrink', seed, alone, planted: values.bug };
    return { type: 'one', seed, trace: values.trace ?? false, alone, planted: values.bug };
  }
  const seeds = number(values.seeds, 'seeds');
  if (seeds === undefined) throw new UsageError(usage);
  return { type: 'campaign', from: number(values.from, 'from') ?? 1, seeds, alone, json };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        seed: { type: 'string' },
        trace: { type: 'boolean' },
        shrink: { type: 'boolean' },
        planted: { type: 'boolean' },
        bug: { type: 'string' },
        alone: { type: 'boolean' },
        most: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

function number(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${name} has to be a whole number from 1 on\n${usage}`);
  return Number(text);
}
