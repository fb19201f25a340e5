import { DedupeWindow } from '@fastim/core';
import type { ConversationStore } from '../storage/conversation-store.ts';
import { MEMBERS_REMEMBERED } from './logic-limits.ts';

/**
 * Who is in a conversation, for routing only: what a user may do is decided by the storage, each time. The members of
 * a direct conversation never change, so they are remembered; others are looked up each time.
 */
export class Members {
  readonly #conversations: ConversationStore;
  readonly #remembered = new DedupeWindow<bigint, readonly bigint[]>(MEMBERS_REMEMBERED);

  constructor(conversations: ConversationStore) {
    this.#conversations = conversations;
  }

  /** What a stored message told. */
  learn(conversationId: bigint, memberIds: readonly bigint[]): void {
    if (memberIds.length <= 2 && this.#remembered.get(conversationId) === undefined) {
      this.#remembered.remember(conversationId, memberIds);
    }
  }

  of(conversationId: bigint): readonly bigint[] | Promise<readonly bigint[]> {
    return this.#remembered.get(conversationId) ?? this.#lookUp(conversationId);
  }

  async #lookUp(conversationId: bigint): Promise<readonly bigint[]> {
    const memberIds = await this.#conversations.memberIds(conversationId);
    if (memberIds.length > 0) this.learn(conversationId, memberIds);
    return memberIds;
  }
}
