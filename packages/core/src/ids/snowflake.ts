/**
 * 64-bit message ids (DESIGN 7, seed 7), high to low: 1 sign bit 0, 41 bits ms since EPOCH_MS, 2 data centre, 8 node,
 * 2 reserved, 3 business line, 7 counter. At most 128 ids a millisecond; the counter starts each millisecond at a
 * random value and wraps within its 7 bits, so ids spread over shards even at one message a millisecond.
 *
 * An id is an identity, not an order: two nodes' clocks differ. Order is conv_seq.
 */

/** 2026-01-01T00:00:00Z. Fixed for ever: changing it repeats ids. */
export const EPOCH_MS = 1_767_225_600_000;
const COUNTERS_PER_MS = 128;
/** First time that 41 bits cannot hold (the year 2095). */
const TIME_LIMIT_MS = 2 ** 41;
/** A clock that went back further than this is an error; up to it, time is borrowed from the future. */
const MAX_CLOCK_BACK_MS = 5_000;

export const BusinessLine = { system: 0, direct: 1, group: 2, user: 3, redPacket: 4 } as const;
export type BusinessLine = (typeof BusinessLine)[keyof typeof BusinessLine];

/** A node number held by this process alone. `held` turns false when the lease is lost; ids stop at once. */
export interface NodeLease {
  readonly dataCentre: number;
  readonly node: number;
  held(): boolean;
}

export type SnowflakeRefusal =
  /** The clock went back more than 5 s: an operator has to look. */
  | { ok: false; reason: 'clock-back'; backMs: number }
  /** Another process may hold our node number now. */
  | { ok: false; reason: 'lease-lost' };

export type SnowflakeResult = { ok: true; id: bigint } | SnowflakeRefusal;

export class Snowflake {
  readonly #lease: NodeLease;
  readonly #randomStart: () => number;
  #lastMs = -1;
  #start = 0;
  #used = 0;

  /**
   * `randomStart` returns an integer in [0, 128); with the clock as an argument this makes the ids reproducible.
   * `lastId` is the highest id this node is known to have given in an earlier life: ids start after its millisecond,
   * also when the process before had borrowed time or the clock has gone back since.
   */
  constructor(lease: NodeLease, randomStart: () => number, lastId = 0n) {
    if (!isBits(lease.dataCentre, 2)) throw new RangeError('data centre is not 0..3');
    if (!isBits(lease.node, 8)) throw new RangeError('node is not 0..255');
    this.#lease = lease;
    this.#randomStart = randomStart;
    if (lastId > 0n) {
      this.#lastMs = snowflakeTimeMs(lastId) - EPOCH_MS;
      this.#used = COUNTERS_PER_MS;
    }
  }

  /**
   * The next id; never one given before by this object. When the clock stands behind the last id, ids go on in the
   * last id's millisecond; when a millisecond's 128 are used up, the next one is borrowed. So an id's time can run ahead
   * of `nowMs`, but never further than 5 s: then the answer is a refusal, until the clock has come near enough.
   */
  next(nowMs: number, line: BusinessLine): SnowflakeResult {
    if (!this.#lease.held()) return { ok: false, reason: 'lease-lost' };
    const now = Math.floor(nowMs) - EPOCH_MS;
    if (now < 0) return { ok: false, reason: 'clock-back', backMs: -now };
    if (!(now < TIME_LIMIT_MS)) throw new RangeError(`${nowMs} is no time for an id`);
    const ms = Math.max(now, this.#used === COUNTERS_PER_MS ? this.#lastMs + 1 : this.#lastMs);
    if (ms - now > MAX_CLOCK_BACK_MS) return { ok: false, reason: 'clock-back', backMs: ms - now };
    if (ms > this.#lastMs) this.#enter(ms);
    const counter = (this.#start + this.#used) % COUNTERS_PER_MS;
    this.#used += 1;
    return {
      ok: true,
      id:
        (BigInt(this.#lastMs) << 22n) |
        BigInt((this.#lease.dataCentre << 20) | (this.#lease.node << 12) | (line << 7) | counter),
    };
  }

  #enter(ms: number): void {
    this.#lastMs = ms;
    this.#start = this.#randomStart() & (COUNTERS_PER_MS - 1);
    this.#used = 0;
  }
}

/** When an id was made, ms since the Unix epoch. */
export function snowflakeTimeMs(id: bigint): number {
  return Number(id >> 22n) + EPOCH_MS;
}

function isBits(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** bits;
}
