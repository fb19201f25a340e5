import { createHash } from 'node:crypto';
import type { MovedTable } from './tables.ts';

/** A value as it is in PostgreSQL. */
export type MovedValue = bigint | boolean | string | Uint8Array | null;

export interface TableSum {
  readonly rows: number;
  /** Modulo 2^64. */
  readonly sum: bigint;
}

/** Bytes of MD5 that are added up: 60 bits, so that the sign plays no part in PostgreSQL. */
const HASH_DIGITS = 15;
const MODULUS = 2n ** 64n;

/**
 * A table's rows and the sum of a hash of each: the same on both sides in whatever order the rows come. It is against
 * damage and mistakes, not against somebody who wants to deceive.
 */
export class TableSums {
  #rows = 0;
  #sum = 0n;

  add(row: readonly MovedValue[]): void {
    const digest = createHash('md5').update(row.map(textOf).join(',')).digest('hex');
    this.#rows += 1;
    this.#sum = (this.#sum + BigInt(`0x${digest.slice(0, HASH_DIGITS)}`)) % MODULUS;
  }

  get total(): TableSum {
    return { rows: this.#rows, sum: this.#sum };
  }
}

/** The same sum as a query of PostgreSQL: rows bigint, sum text. */
export function sumQuery({ name, columns }: MovedTable): string {
  const texts = columns.map((column) => {
    const value = {
      bigint: `${column.name}::text`,
      integer: `${column.name}::text`,
      boolean: `(CASE WHEN ${column.name} THEN '1' ELSE '0' END)`,
      text: `encode(convert_to(${column.name}, 'UTF8'), 'hex')`,
      bytea: `encode(${column.name}, 'hex')`,
    }[column.type];
    return `coalesce(${value}, '-')`;
  });
  return `SELECT count(*) AS rows, mod(coalesce(sum(('x' || substr(md5(${texts.join(` || ',' || `)}), 1, ${HASH_DIGITS}))
    ::bit(${HASH_DIGITS * 4})::bigint), 0), ${MODULUS})::text AS sum FROM ${name}`;
}

function textOf(value: MovedValue): string {
  if (value === null) return '-';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  return Buffer.from(value as string).toString('hex');
}
