import { z } from 'zod';
import { configSchema } from './config.ts';

/** One value of the configuration under each of its names, derived from the schema. */
export interface ConfigKey {
  /** In the file: nested objects. */
  readonly path: readonly string[];
  /** FASTIM_GATE_HEARTBEAT_INTERVAL_MS */
  readonly variable: string;
  /** --gate-heartbeat-interval-ms */
  readonly option: string;
  readonly schema: z.ZodType;
  readonly defaultValue: unknown;
  /** Never shown, not even when it is wrong. */
  readonly secret: boolean;
  /** What is allowed, in words: "has to be a whole number from 0 to 65535". */
  readonly expects: string;
  /** The value behind a variable's or an option's text; still to be checked by the schema. */
  fromText(text: string): unknown;
}

/** Passwords, and addresses that hold one. */
const secrets: ReadonlySet<string> = new Set(['cluster.secret', 'admin.token', 'store.url', 'registry.url']);

/** Every key, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = collect(configSchema, []);

function collect(schema: z.ZodType, path: readonly string[]): ConfigKey[] {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, member]) =>
      collect(member, [...path, name]),
    );
  }
  const words = path.map((part) => part.replaceAll(/([a-z0-9])([A-Z])(?=[a-z])/g, '$1-$2').toLowerCase());
  return [
    {
      path,
      variable: `FASTIM_${words.join('-').replaceAll('-', '_').toUpperCase()}`,
      option: `--${words.join('-')}`,
      schema,
      defaultValue: schema.parse(undefined),
      secret: secrets.has(path.join('.')),
      ...describe(inner),
    },
  ];
}

function describe(schema: z.ZodType): Pick<ConfigKey, 'expects' | 'fromText'> {
  if (schema instanceof z.ZodNumber) {
    const least = schema.minValue ?? Number.MIN_SAFE_INTEGER;
    const most = schema.maxValue ?? Number.MAX_SAFE_INTEGER;
    const range = most === Number.MAX_SAFE_INTEGER ? `, at least ${least}` : ` from ${least} to ${most}`;
    return {
      expects: `has to be a whole number${range}`,
      // Only plain digits: what Number() takes besides ("", "0x10", "1e3") is more likely a slip.
      fromText: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
    };
  }
  if (schema instanceof z.ZodEnum) {
    return { expects: `has to be one of ${schema.options.join(', ')}`, fromText: (text) => text };
  }
  if (schema instanceof z.ZodArray) {
    const member = unwrap(schema.element as z.ZodType);
    return {
      expects: `has to be a list${member.description ? ` of ${member.description}` : ''}, separated by commas`,
      fromText: (text) =>
        text
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
    };
  }
  if (schema instanceof z.ZodString) {
    const most = schema.maxLength;
    const length = most === null ? '' : ` of at most ${most} characters`;
    const kind = schema.description ? `has to be ${schema.description}` : `has to be a text${length}`;
    return { expects: schema.minLength ? `${kind}, not empty` : kind, fromText: (text) => text };
  }
  throw new TypeError(`the configuration has a kind of value without a text form: ${schema.def.type}`);
}

function unwrap(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) return unwrap(schema.unwrap() as z.ZodType);
  return schema;
}

/** The known name that is fewest edits away, if it is near enough to be what was meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.slice(0, 100), candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = left[i - 1] === right[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change));
    }
    row = next;
  }
  return row[right.length]!;
}
