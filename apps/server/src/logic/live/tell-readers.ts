import type { Clock } from '@fastim/core';
import { Command, readersPush, SMALL_GROUP } from '@fastim/protocol';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { Answer } from '../answer.ts';
import { READERS_TOLD_EVERY } from '../logic-limits.ts';
import type { Standings } from './standings.ts';

/**
 * Members of a small group have read: who has it on the screen is told that the counts have moved, and asks for those it
 * shows. Merged over half a second. May get lost.
 */
export class TellReaders {
  readonly #standings: Standings;
  readonly #toGate: SendToGate;
  readonly #clock: Clock;
  readonly #answer: Answer;
  /** Group → one of those who read. */
  #moved = new Map<bigint, bigint>();
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(parts: { standings: Standings; toGate: SendToGate; clock: Clock; answer: Answer }) {
    this.#standings = parts.standings;
    this.#toGate = parts.toGate;
    this.#clock = parts.clock;
    this.#answer = parts.answer;
  }

  moved(conversationId: bigint, readerId: bigint): void {
    if (this.#stopped) return;
    this.#moved.set(conversationId, readerId);
    this.#cancel ??= this.#clock.setTimer(READERS_TOLD_EVERY, this.#tell);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#moved.clear();
  }

  readonly #tell = (): void => {
    this.#cancel = undefined;
    const moved = this.#moved;
    this.#moved = new Map();
    for (const [conversationId, readerId] of moved) {
      this.#tellOne(conversationId, readerId).catch((error: unknown) => this.#answer.explain(error));
    }
  };

  async #tellOne(conversationId: bigint, readerId: bigint): Promise<void> {
    const membership = await this.#standings.of(conversationId, readerId);
    if (!membership || membership.memberCount > SMALL_GROUP) return;
    const piece = readersPush.encode({ conversationIds: [conversationId] });
    for (const gate of this.#toGate.gatesOf(conversationId)) {
      gate.signal({
        conversationId,
        asOfSeq: membership.lastSeq,
        viewersOnly: true,
        exceptUser: 0n,
        cmd: Command.readersPush,
        piece,
        logId: 0,
      });
    }
  }
}
