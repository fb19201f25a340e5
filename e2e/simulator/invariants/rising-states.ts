import type { Client } from '../../../apps/desktop/src/engine/client.ts';
import type { MessageStatus } from '../../../apps/desktop/src/engine/views.ts';

const rank: Record<MessageStatus, number> = { failed: 0, sending: 0, stored: 1, delivered: 2, read: 3 };

/** What one run of a client shows never goes back (I9): ticks, heads and read cursors. */
export class RisingStates {
  readonly #report: (invariant: string, message: string) => void;
  readonly #ticks = new Map<string, MessageStatus>();
  readonly #cursors = new Map<string, { head: number; read: number }>();

  constructor(report: (invariant: string, message: string) => void) {
    this.#report = report;
  }

  watch(client: Client): void {
    // Another account, or the same one from the beginning.
    client.on('account', () => {
      this.#ticks.clear();
      this.#cursors.clear();
    });
    client.on('messages', ({ changed }) => {
      for (const { key, mine, status, conversationId } of changed) {
        if (!mine) continue;
        const before = this.#ticks.get(key);
        if (before && rank[status] < rank[before]) {
          this.#report('I9', `${key} in ${conversationId} was ${before} and is ${status}`);
        }
        this.#ticks.set(key, status);
      }
    });
    client.on('conversations', (views) => {
      for (const { conversationId, headSeq, readSeq, unread } of views) {
        const before = this.#cursors.get(conversationId);
        if (before && (headSeq < before.head || readSeq < before.read)) {
          this.#report(
            'I9',
            `${conversationId} was at ${before.head}, read to ${before.read}, and is at ${headSeq}, read to ${readSeq}`,
          );
        }
        if (unread < 0 || unread > headSeq) this.#report('I6', `${unread} unread of ${headSeq} in ${conversationId}`);
        this.#cursors.set(conversationId, { head: headSeq, read: readSeq });
      }
    });
  }
}
