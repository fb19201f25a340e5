/**
 * What a statement is given: bigint, number, string, boolean, null, Uint8Array (bytea; or any type in PostgreSQL's binary
 * form, see binary-arrays.ts), and arrays of them.
 */
export type Value = bigint | number | string | boolean | null | Uint8Array | readonly Value[];

/**
 * Statements on the database or in a transaction. Each text is prepared once by each connection, so texts are constants of
 * the program, never made from what comes from outside. int8 is read as bigint, bytea as Buffer. What fails rejects with
 * StorageError.
 */
export interface Queries {
  /** Rows as objects. */
  rows<Row>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** Rows as arrays, in the order of the columns. */
  arrays<Row extends readonly unknown[]>(sql: string, values?: readonly Value[]): Promise<Row[]>;
  /** How many rows it changed. */
  run(sql: string, values?: readonly Value[]): Promise<number>;
}
