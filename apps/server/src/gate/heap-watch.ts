import { getHeapStatistics } from 'node:v8';
import type { Clock } from '@fastim/core';
import { HEAP_LOOK_MS, HEAP_SHED_PERCENT } from './gate-limits.ts';

/** Looks that have to agree: what one look finds may be garbage that is on its way out. */
const LOOKS = 3;

export interface HeapWatchOptions {
  readonly clock: Clock;
  /** Past it nobody new is taken. */
  readonly limitPercent: number;
  /** Part of the heap in use, in percent. Default: that of this process. */
  readonly usedPercent?: () => number;
  /** Called when one of the two answers changes. */
  readonly changed?: (state: { usedPercent: number; isFull: boolean; isShedding: boolean }) => void;
}

/** Whether memory runs out, looked at once a second between start and stop. */
export class HeapWatch {
  readonly #options: HeapWatchOptions;
  readonly #looks: number[] = [];
  #cancel: (() => void) | undefined;
  #isFull = false;
  #isShedding = false;

  constructor(options: HeapWatchOptions) {
    this.#options = options;
  }

  /** Nobody new is to be taken. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** What may be dropped is to be dropped. */
  get isShedding(): boolean {
    return this.#isShedding;
  }

  start(): void {
    this.#cancel ??= this.#options.clock.setTimer(HEAP_LOOK_MS, this.#look);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#looks.length = 0;
    this.#isFull = false;
    this.#isShedding = false;
  }

  readonly #look = (): void => {
    const { clock, limitPercent, usedPercent = heapUsedPercent, changed } = this.#options;
    this.#cancel = clock.setTimer(HEAP_LOOK_MS, this.#look);
    this.#looks.push(usedPercent());
    if (this.#looks.length > LOOKS) this.#looks.shift();
    // The least of the last looks is what is really in use; it counts both ways, once there are enough of them.
    if (this.#looks.length < LOOKS) return;
    const used = Math.min(...this.#looks);
    const isFull = used > limitPercent;
    const isShedding = used > Math.max(limitPercent, HEAP_SHED_PERCENT);
    if (isFull === this.#isFull && isShedding === this.#isShedding) return;
    this.#isFull = isFull;
    this.#isShedding = isShedding;
    changed?.({ usedPercent: Math.round(used), isFull, isShedding });
  };
}

function heapUsedPercent(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics();
  return (used_heap_size / heap_size_limit) * 100;
}
