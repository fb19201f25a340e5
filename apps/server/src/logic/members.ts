import { DedupeWindow } from '@fastim/core';
import type { ConversationStore } from '../storage/conversation-store.ts';
import { MEMBERS_REMEMBERED } from './logic-limits.ts';

const nobody: readonly bigint[] = [];

/**
 * What never changes of a conversation: whether it is a group, and who the two members of a direct one are. For routing
 * only: what a user may do is decided by the storage, each time. Members of groups are the gates' business.
 */
export class Members {
  readonly #conversations: ConversationStore;
  readonly #remembered = new DedupeWindow<bigint, readonly bigint[]>(MEMBERS_REMEMBERED);

  constructor(conversations: ConversationStore) {
    this.#conversations = conversations;
  }

  /** What a stored message told. */
  learnDirect(conversationId: bigint, memberIds: readonly bigint[]): void {
    if (this.#remembered.get(conversationId) === undefined) this.#remembered.remember(conversationId, memberIds);
  }

  learnGroup(conversationId: bigint): void {
    if (this.#remembered.get(conversationId) === undefined) this.#remembered.remember(conversationId, nobody);
  }

  /** False also for what is not known yet. */
  isGroup(conversationId: bigint): boolean {
    return this.#remembered.get(conversationId) === nobody;
  }

  /** Both members of a direct conversation; nobody for a group, and for what does not exist. */
  ofDirect(conversationId: bigint): readonly bigint[] | Promise<readonly bigint[]> {
    return this.#remembered.get(conversationId) ?? this.#lookUp(conversationId);
  }

  async #lookUp(conversationId: bigint): Promise<readonly bigint[]> {
    const memberIds = await this.#conversations.directMembers(conversationId);
    if (memberIds.length > 0) this.learnDirect(conversationId, memberIds);
    return memberIds;
  }
}
