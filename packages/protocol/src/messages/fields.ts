import {
  type Codec,
  codec,
  countFromWire,
  countToWire,
  emptyBytes,
  idFromWire,
  idToWire,
  numberToWire,
  textToWire,
} from './codec.ts';
import { limited } from './limited.ts';
import { type Status, statusFromWire, statusToWire } from './status.ts';

/**
 * One field of a message, both ways. `toWire` gives undefined for a field that is left out. The wire's own types are
 * protobufjs's; they are checked here, once, by what each field does with any value that can come out of a decoder.
 */
export interface Field<T> {
  toWire(value: T): unknown;
  fromWire(wire: unknown): T;
}

/** A message as one field for each of its properties, which have the same names on the wire. */
export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

function field<T>(toWire: (value: T) => unknown, fromWire: (wire: never) => T): Field<T> {
  return { toWire, fromWire: fromWire as (wire: unknown) => T };
}

export const id: Field<bigint> = field(idToWire, idFromWire);
export const count: Field<number> = field(countToWire, countFromWire);
export const number: Field<number> = field(numberToWire, (wire: number | null | undefined) => wire ?? 0);
export const flag: Field<boolean> = field(
  (value) => value,
  (wire: boolean | null | undefined) => wire ?? false,
);
export const text: Field<string> = field(textToWire, (wire: string | null | undefined) => wire ?? '');
export const bytes: Field<Uint8Array> = field(
  (value) => value,
  (wire: Uint8Array | null | undefined) => wire ?? emptyBytes,
);
export const status: Field<Status | undefined> = field(
  (value) => value && statusToWire(value),
  statusFromWire as (wire: never) => Status | undefined,
);

export function list<T>(of: Field<T>): Field<T[]> {
  return field(
    (values) => values.map((value) => of.toWire(value)),
    (wire: readonly unknown[] | null | undefined) => limited(wire).map((value) => of.fromWire(value)),
  );
}

/** A field that may be missing, and is then undefined. For scalars the .proto says `optional`. */
export function optional<T>(of: Field<T>): Field<T | undefined> {
  return field(
    (value) => (value === undefined ? undefined : of.toWire(value)),
    (wire: unknown) => (wire === null || wire === undefined ? undefined : of.fromWire(wire)),
  );
}

/** A message inside a message. */
export function message<T>(fields: Fields<T>): Field<T> {
  return field(
    (value) => toWireObject(fields, value),
    (wire: Record<string, unknown> | null | undefined) => fromWireObject(fields, wire ?? {}),
  );
}

export function fieldsCodec<T>(
  generated: {
    encode(value: never): { finish(shared?: boolean): Uint8Array };
    // biome-ignore lint/suspicious/noExplicitAny: the generated decoder's reader type is protobufjs's own
    decode(reader: any): unknown;
  },
  fields: Fields<T>,
): Codec<T> {
  return codec<T, unknown>(
    generated as Parameters<typeof codec<T, unknown>>[0],
    (value) => toWireObject(fields, value),
    (wire) => fromWireObject(fields, wire as Record<string, unknown>),
  );
}

function toWireObject<T>(fields: Fields<T>, value: T): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const key in fields) {
    const part = fields[key].toWire(value[key]);
    if (part !== undefined) wire[key] = part;
  }
  return wire;
}

function fromWireObject<T>(fields: Fields<T>, wire: Record<string, unknown>): T {
  const value: Partial<T> = {};
  for (const key in fields) value[key] = fields[key].fromWire(wire[key]);
  return value as T;
}
