import type { StoredMessage } from './store.ts';

/** Pushes of a conversation that is not known yet, held until the server has told what it is. */
const HELD_FOR_UNKNOWN = 500;

/** Conversations that something named and nobody here knows: each is asked for once at a time. */
export class UnknownConversations {
  readonly #held = new Map<string, StoredMessage[]>();
  readonly #askFor: (conversationIds: readonly string[]) => void;

  constructor(askFor: (conversationIds: readonly string[]) => void) {
    this.#askFor = askFor;
  }

  /** Asks for those that are not asked for yet, and keeps what was pushed of them. */
  named(conversations: ReadonlyMap<string, readonly StoredMessage[]>): void {
    const fresh: string[] = [];
    for (const [conversationId, messages] of conversations) {
      const held = this.#held.get(conversationId);
      if (!held) {
        this.#held.set(conversationId, [...messages]);
        fresh.push(conversationId);
      } else {
        for (const message of messages) if (held.length < HELD_FOR_UNKNOWN) held.push(message);
      }
    }
    if (fresh.length > 0) this.#askFor(fresh);
  }

  /** What was held, if anything; the conversation is not waited for any more. */
  take(conversationId: string): StoredMessage[] | undefined {
    const held = this.#held.get(conversationId);
    this.#held.delete(conversationId);
    return held;
  }

  /** Asked for again after the next sync, if they are still unknown. */
  clear(): void {
    this.#held.clear();
  }
}
