import { LinkDelay } from '@fastim/core';
import type { UplinkPacket } from '../../cluster/contract.ts';
import type { LoopWaitSource } from './loop-wait.ts';

/** A loop that is idle for more than the rest of the time has no queue in front of it. */
const BUSY = 0.8;

/**
 * How long work waits before it begins, which is what says whether there is too much of it (DESIGN 8). Work waits in two
 * places:
 *
 * - On the way here: in the sockets of clients or of gates, until the event loop comes to it. Between processes a packet
 *   says when it was handed over, so its whole way is measured; that counts only while this process is busy (else the
 *   wait is not its own: a slow network, a clock that was set). Within one process the event loop's own wait is all there is.
 * - For its batch: but only what it waits after a batch has left without it because it was full. The batch under way is
 *   the storage's own time: a slow disk alone is no overload, it makes batches larger. When they are as large as they
 *   can be and messages still are left over, the storage cannot follow.
 */
export class QueueWait {
  readonly #loop: LoopWaitSource | undefined;
  readonly #links = new Map<string, LinkDelay>();
  #way = { sum: 0, count: 0 };
  #batches = { sum: 0, count: 0 };
  #isBusy = false;

  constructor(loop: LoopWaitSource | undefined) {
    this.#loop = loop;
  }

  /** A packet begins to be worked on. Returns what it has waited on its way, as far as that is known and ours. */
  arrived(packet: UplinkPacket, now: number): number {
    const { handedOverMs } = packet;
    if (handedOverMs === undefined) return 0;
    const { gateId } = packet.connection;
    let link = this.#links.get(gateId);
    if (!link) {
      link = new LinkDelay();
      this.#links.set(gateId, link);
    }
    const wait = link.of(handedOverMs, now);
    this.#way.sum += wait;
    this.#way.count += 1;
    return this.#isBusy ? wait : 0;
  }

  /** So many messages go into a batch; together they were left over by earlier ones for so long. */
  batched(messages: number, leftOverMs: number): void {
    this.#batches.sum += leftOverMs;
    this.#batches.count += messages;
  }

  gateGone(gateId: string): void {
    this.#links.delete(gateId);
  }

  /** Mean since the last call. */
  take(): number {
    const loop = this.#loop?.take();
    this.#isBusy = loop === undefined || loop.busy >= BUSY;
    const way = Math.max(loop?.waitMs ?? 0, this.#isBusy ? mean(this.#way) : 0);
    const wait = way + mean(this.#batches);
    this.#way = { sum: 0, count: 0 };
    this.#batches = { sum: 0, count: 0 };
    return wait;
  }
}

function mean({ sum, count }: { sum: number; count: number }): number {
  return count === 0 ? 0 : sum / count;
}
