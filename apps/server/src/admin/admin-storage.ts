import type { Clock } from '@fastim/core';
import { CloseCode } from '@fastim/protocol';
import type { ConversationStore } from '../storage/conversation-store.ts';
import { foldText } from '../storage/fold-text.ts';
import type { MessageStore } from '../storage/message-store.ts';
import type { SessionStore } from '../storage/session-store.ts';
import type { UserStore } from '../storage/user-store.ts';
import type { StoredMessage } from './answers.ts';

export interface AdminStorageOptions {
  readonly sessions: Pick<SessionStore, 'ofUser' | 'end'>;
  readonly users: Pick<UserStore, 'byUsernameKey'>;
  readonly conversations: Pick<ConversationStore, 'directMembers' | 'states'>;
  readonly messages: Pick<MessageStore, 'history'>;
  /** The session has ended in the storage: its connections are to be closed, wherever they are, and its tokens forgotten. */
  readonly ended: (sessionId: bigint, closeCode: number) => void;
  readonly clock: Clock;
}

/** What the admin interface does with the storage, on nodes that have one. */
export class AdminStorage {
  readonly #options: AdminStorageOptions;

  constructor(options: AdminStorageOptions) {
    this.#options = options;
  }

  async userNamed(username: string): Promise<string | null> {
    const user = await this.#options.users.byUsernameKey(foldText(username.normalize('NFKC')));
    return user?.userId.toString() ?? null;
  }

  /** Ends the user's sessions, or those of one device; each is ended for good before its connections are closed. */
  async kick(userId: bigint, deviceId: string | null): Promise<string[]> {
    const { sessions, clock, ended } = this.#options;
    const sessionIds: string[] = [];
    for (const session of await sessions.ofUser(userId)) {
      if (deviceId !== null && session.deviceId !== deviceId) continue;
      await sessions.end(session.sessionId, clock.now());
      ended(session.sessionId, CloseCode.loggedOut);
      sessionIds.push(session.sessionId.toString());
    }
    return sessionIds;
  }

  /** The message at this place, and how far those who are to get it are. Null: there is none. */
  async message(conversationId: bigint, convSeq: number): Promise<StoredMessage | null> {
    const { messages, conversations } = this.#options;
    const [message] = await messages.history({
      conversationId,
      fromSeq: convSeq,
      toSeq: convSeq,
      limit: 1,
      newestFirst: false,
      viewerId: 0n,
    });
    if (!message) return null;
    const memberIds = await conversations.directMembers(conversationId);
    const cursors: StoredMessage['cursors'] = [];
    for (const memberId of memberIds) {
      const [state] = await conversations.states(memberId, [conversationId]);
      // What a member's state says of the other one.
      const cursor = state?.peerCursor;
      if (cursor) {
        const { userId, deliveredSeq, readSeq } = cursor;
        cursors.push({ userId: userId.toString(), deliveredSeq, readSeq });
      }
    }
    return {
      msgId: message.msgId.toString(),
      conversationId: conversationId.toString(),
      convSeq,
      senderId: message.senderId.toString(),
      serverTimeMs: message.serverTimeMs,
      cursors,
    };
  }
}
