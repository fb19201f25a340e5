import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { ConversationStore, Membership } from '../../storage/conversation-store.ts';
import type { Answer } from '../answer.ts';
import { INTEREST_LOOKUPS } from '../logic-limits.ts';
import type { LogicMetrics } from '../logic-metrics.ts';
import type { KnownRemovals } from './known-removals.ts';

/**
 * A gate has missed that somebody left a group and gives nothing of it out until it knows who is a member still: the
 * storage says. When that fails there is no answer; the gate asks again with the group's next packet, and the devices'
 * heartbeats make up for what they miss meanwhile.
 */
export class InterestStale {
  readonly #conversations: ConversationStore;
  readonly #removals: KnownRemovals;
  readonly #toGate: SendToGate;
  readonly #answer: Answer;
  readonly #metrics: LogicMetrics;

  constructor(parts: {
    conversations: ConversationStore;
    removals: KnownRemovals;
    toGate: SendToGate;
    answer: Answer;
    metrics: LogicMetrics;
  }) {
    this.#conversations = parts.conversations;
    this.#removals = parts.removals;
    this.#toGate = parts.toGate;
    this.#answer = parts.answer;
    this.#metrics = parts.metrics;
  }

  handle(gateId: string, conversationId: bigint, userIds: readonly bigint[]): void {
    this.#metrics.interestQuestions += 1;
    this.#confirm(gateId, conversationId, userIds).catch((error: unknown) => this.#answer.explain(error));
  }

  async #confirm(gateId: string, conversationId: bigint, userIds: readonly bigint[]): Promise<void> {
    const asOf = this.#removals.beforeRead();
    const members: bigint[] = [];
    /** Each read is as of its own time: the answer is as of the earliest. */
    let earliest = Number.POSITIVE_INFINITY;
    let latestLeave = 0;
    for (let from = 0; from < userIds.length; from += INTEREST_LOOKUPS) {
      const asked = userIds.slice(from, from + INTEREST_LOOKUPS);
      const found: (Membership | undefined)[] = await Promise.all(
        asked.map((userId) => this.#conversations.membership(conversationId, userId)),
      );
      found.forEach((membership, index) => {
        if (!membership) return;
        if (membership.leaveSeq > 0) latestLeave = Math.max(latestLeave, membership.leaveSeq);
        else {
          members.push(asked[index]!);
          earliest = Math.min(earliest, membership.lastSeq);
        }
      });
    }
    const removalsSeq = members.length > 0 ? earliest : Math.max(asOf(conversationId), latestLeave);
    this.#toGate.gate(gateId)?.confirm(conversationId, members, removalsSeq);
  }
}
