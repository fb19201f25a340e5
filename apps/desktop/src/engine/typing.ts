import type { Clock } from '@fastim/core';
import { Command, SMALL_GROUP, statusResponse, type Typing as TypingEntry, typingRequest } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ClientEvents } from './client-api.ts';
import { describe } from './errors.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Names } from './names.ts';
import type { Logger } from './ports.ts';

/** Somebody who says nothing more for so long does not type any more. */
const FORGET_MS = 5_000;
const TELL_MS = 3_000;

/** Who types where. Nothing of it is stored, and nothing waits for it. */
export class Typing {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #names: Names;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #emit: (payload: ClientEvents['typing']) => void;
  /** conversation → user → ends the showing. */
  readonly #typing = new Map<string, Map<string, () => void>>();
  readonly #told = new Map<string, number>();

  constructor(parts: {
    state: AccountState;
    holder: LinkHolder;
    names: Names;
    clock: Clock;
    logger: Logger;
    emit: (payload: ClientEvents['typing']) => void;
  }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#names = parts.names;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#emit = parts.emit;
  }

  disconnected(): void {
    for (const [conversationId, users] of this.#typing) {
      for (const cancel of users.values()) cancel();
      this.#emit({ conversationId, names: [] });
    }
    this.#typing.clear();
    this.#told.clear();
  }

  /** I type there. Said at most once in 3 s; what cannot be said is not said later. */
  tell(conversationId: string): void {
    const group = this.#state.conversation(conversationId)?.group;
    // In a large group nobody is told.
    if (group && group.memberCount > SMALL_GROUP) return;
    const now = this.#clock.now();
    const told = this.#told.get(conversationId);
    if (!this.#holder.link || (told !== undefined && now >= told && now - told < TELL_MS)) return;
    this.#told.set(conversationId, now);
    this.#holder
      .request(Command.typing, typingRequest, { conversationId: BigInt(conversationId) }, statusResponse)
      .catch((error: unknown) => this.#logger.debug(describe(error), 'typing was not told'));
  }

  /** My message is out: the next key stroke says so at once. */
  sent(conversationId: string): void {
    this.#told.delete(conversationId);
  }

  pushed(entries: readonly TypingEntry[]): void {
    const changed = new Set<string>();
    for (const entry of entries) {
      const conversationId = entry.conversationId.toString();
      const userId = entry.userId.toString();
      if (userId === this.#state.userId || !this.#state.conversation(conversationId)) continue;
      const users = this.#typing.get(conversationId) ?? new Map<string, () => void>();
      this.#typing.set(conversationId, users);
      if (users.has(userId)) users.get(userId)?.();
      else changed.add(conversationId);
      users.set(
        userId,
        this.#clock.setTimer(FORGET_MS, () => this.#end(conversationId, userId)),
      );
    }
    for (const conversationId of changed) this.#show(conversationId);
  }

  /** A message of theirs is there: they do not type any more. */
  arrived(conversationId: string, senderIds: Iterable<string>): void {
    for (const userId of senderIds) this.#end(conversationId, userId);
  }

  #end(conversationId: string, userId: string): void {
    const users = this.#typing.get(conversationId);
    const cancel = users?.get(userId);
    if (!users || !cancel) return;
    cancel();
    users.delete(userId);
    if (users.size === 0) this.#typing.delete(conversationId);
    this.#show(conversationId);
  }

  #show(conversationId: string): void {
    const users = this.#typing.get(conversationId)?.keys() ?? [];
    this.#emit({ conversationId, names: [...users].map((userId) => this.#names.nameOf(userId)) });
  }
}
