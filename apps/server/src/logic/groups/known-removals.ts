import { DedupeWindow } from '@fastim/core';
import { MEMBERS_REMEMBERED } from '../logic-limits.ts';

/**
 * conv_seq of the newest removal that this node has learned of, for each group. What a storage read says is as of every
 * removal learned before the read began.
 */
export class KnownRemovals {
  readonly #known = new DedupeWindow<bigint, { readonly seq: number; readonly learned: number }>(MEMBERS_REMEMBERED);
  #learned = 0;

  learn(conversationId: bigint, removalsSeq: number): void {
    if (removalsSeq <= (this.#known.get(conversationId)?.seq ?? 0)) return;
    this.#learned += 1;
    this.#known.remember(conversationId, { seq: removalsSeq, learned: this.#learned });
  }

  /**
   * To be called before a read; the function it returns tells, for a group that the read names, as of which removal it is
   * at least. 0: nothing is known, and a gate may have to ask.
   */
  beforeRead(): (conversationId: bigint) => number {
    const until = this.#learned;
    return (conversationId) => {
      const known = this.#known.get(conversationId);
      return known && known.learned <= until ? known.seq : 0;
    };
  }
}
