import type { Clock } from '@fastim/core';
import type { Reservations } from '../registry/contract.ts';

/** How finely they age. */
const BUCKETS = 10;

interface Gate {
  /** Reservations of each part of the time, the newest last; `from` is when that one began. */
  readonly buckets: number[];
  from: number;
  count: number;
}

/** The reservations of an LSB that is alone: all in memory, forgotten after `reservationMs`. */
export class LocalReservations implements Reservations {
  readonly #clock: Clock;
  readonly #bucketMs: number;
  readonly #gates = new Map<string, Gate>();

  constructor(options: { clock: Clock; reservationMs: number }) {
    this.#clock = options.clock;
    this.#bucketMs = Math.max(1, options.reservationMs / BUCKETS);
  }

  add(gateId: string, _userId: bigint): void {
    const gate = this.#aged(gateId) ?? { buckets: [0], from: this.#clock.now(), count: 0 };
    this.#gates.set(gateId, gate);
    gate.buckets[gate.buckets.length - 1]! += 1;
    gate.count += 1;
  }

  arrived(gateId: string): void {
    const gate = this.#aged(gateId);
    if (!gate || gate.count === 0) return;
    // Who it was does not matter: the oldest are the first to arrive.
    const oldest = gate.buckets.findIndex((count) => count > 0);
    gate.buckets[oldest]! -= 1;
    gate.count -= 1;
  }

  count(gateId: string): number {
    return this.#aged(gateId)?.count ?? 0;
  }

  #aged(gateId: string): Gate | undefined {
    const gate = this.#gates.get(gateId);
    if (!gate) return undefined;
    const passed = Math.floor((this.#clock.now() - gate.from) / this.#bucketMs);
    if (passed < 0) {
      // The clock was set back.
      gate.from = this.#clock.now();
    } else if (passed > 0) {
      gate.from += passed * this.#bucketMs;
      for (let step = Math.min(passed, BUCKETS + 1); step > 0; step -= 1) {
        gate.buckets.push(0);
        if (gate.buckets.length > BUCKETS + 1) gate.count -= gate.buckets.shift()!;
      }
    }
    if (gate.count === 0) this.#gates.delete(gateId);
    return gate;
  }
}
