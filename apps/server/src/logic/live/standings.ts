import { type Clock, DedupeWindow } from '@fastim/core';
import type { ConversationStore, Membership } from '../../storage/conversation-store.ts';
import { STANDING_BELIEVED, STANDINGS_REMEMBERED } from '../logic-limits.ts';

interface Standing {
  readonly membership: Membership | undefined;
  readonly readAt: number;
}

const forgotten: Standing = { membership: undefined, readAt: Number.NEGATIVE_INFINITY };

/**
 * Memberships as they were a few seconds ago, for what is said often and lasts a moment (typing, read counts). Never for
 * what gives out or changes anything stored. What this node learns of a change is forgotten at once.
 */
export class Standings {
  readonly #conversations: ConversationStore;
  readonly #clock: Clock;
  readonly #known = new DedupeWindow<string, Standing>(STANDINGS_REMEMBERED);
  #changes = 0;

  constructor(parts: { conversations: ConversationStore; clock: Clock }) {
    this.#conversations = parts.conversations;
    this.#clock = parts.clock;
  }

  async of(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    const key = `${conversationId}/${userId}`;
    const known = this.#known.get(key);
    const age = known && this.#clock.now() - known.readAt;
    // A clock that went back says nothing about the age.
    if (known && age !== undefined && age >= 0 && age < STANDING_BELIEVED) return known.membership;
    const before = this.#changes;
    const readAt = this.#clock.now();
    const membership = await this.#conversations.membership(conversationId, userId);
    if (this.#changes === before) this.#known.remember(key, { membership, readAt });
    return membership;
  }

  forget(conversationId: bigint, userId: bigint): void {
    this.#changes += 1;
    const key = `${conversationId}/${userId}`;
    if (this.#known.get(key)) this.#known.remember(key, forgotten);
  }
}
