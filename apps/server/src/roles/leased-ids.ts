import { type BusinessLine, type Clock, Snowflake, type SnowflakeResult } from '@fastim/core';
import type { Logger } from '../observe/logger.ts';
import type { NumberLease } from '../registry/contract.ts';

export interface LeasedIdsOptions {
  readonly lease: NumberLease;
  /** Of the storage: ids start above it. */
  readonly highestId: () => Promise<bigint>;
  /** An integer in [0, 128). */
  readonly randomStart: () => number;
  /** False: this process's clock is not to be trusted now. */
  readonly clockIsGood: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 1_000;
const NODE_BITS = 8;

/**
 * Ids under the node number that is leased. A number that is lost takes its ids with it at once; under the next one they
 * start above everything stored. While there is none, or the clock is off, every id is refused as by a lost lease.
 */
export class LeasedIds {
  readonly #options: LeasedIdsOptions;
  readonly #unwatch: () => void;
  #snowflake: Snowflake | undefined;
  #fence: bigint | undefined;
  #preparing = false;
  #cancel: (() => void) | undefined;
  #stopped = false;

  private constructor(options: LeasedIdsOptions) {
    this.#options = options;
    this.#unwatch = options.lease.onChange(() => void this.#prepare());
  }

  /** Resolves when the first id can be given, as far as the number goes. Rejects when the storage cannot be read. */
  static async open(options: LeasedIdsOptions): Promise<LeasedIds> {
    const ids = new LeasedIds(options);
    try {
      await ids.#renew();
    } catch (error) {
      ids.stop();
      throw error;
    }
    return ids;
  }

  /** -1: none. */
  get number(): number {
    const { lease } = this.#options;
    return lease.held ? lease.number : -1;
  }

  next(now: number, line: BusinessLine): SnowflakeResult {
    const { lease, clockIsGood } = this.#options;
    if (!this.#snowflake || !lease.held || lease.fence !== this.#fence || !clockIsGood()) {
      return { ok: false, reason: 'lease-lost' };
    }
    return this.#snowflake.next(now, line);
  }

  stop(): void {
    this.#stopped = true;
    this.#unwatch();
    this.#cancel?.();
  }

  async #prepare(): Promise<void> {
    if (this.#preparing || this.#stopped) return;
    this.#preparing = true;
    try {
      await this.#renew();
    } catch (error) {
      const { clock, logger } = this.#options;
      logger.warn({ err: error }, 'ids wait for the storage to say which were given');
      this.#cancel = clock.setTimer(RETRY_MS, () => void this.#prepare());
    } finally {
      this.#preparing = false;
    }
    // It may have changed once more meanwhile.
    const { lease } = this.#options;
    if (lease.held && this.#fence !== lease.fence && !this.#cancel) await this.#prepare();
  }

  async #renew(): Promise<void> {
    const { lease, highestId, randomStart, logger } = this.#options;
    this.#cancel = undefined;
    if (!lease.held) {
      this.#snowflake = undefined;
      logger.error('no node number is held: no ids are given until there is one');
      return;
    }
    const { number, fence } = lease;
    if (this.#fence === fence) return;
    const highest = await highestId();
    const mask = (1 << NODE_BITS) - 1;
    this.#snowflake = new Snowflake(
      { dataCentre: number >> NODE_BITS, node: number & mask, held: () => lease.held && lease.fence === fence },
      randomStart,
      highest,
    );
    this.#fence = fence;
    logger.info({ number, fence: String(fence) }, 'ids are given under this node number');
  }
}
