/** What the shell has to know of the conversations: who they are with and how much is unread. */
import type { Clock } from '@fastim/core';
import type { ClientApi } from '../engine/client-api.ts';
import type { ConversationView } from '../engine/views.ts';

export interface ConversationWatch {
  readonly conversations: ReadonlyMap<string, ConversationView>;
  /** Unread messages, without conversations that are muted or archived. */
  readonly total: number;
  /** Reads the list, if somebody is logged in; events keep it from then on. */
  start(): Promise<void>;
  /** Called when the total is another. */
  onUnread(listener: (total: number) => void): void;
  /** Called with each conversation that changed. */
  onChange(listener: (conversation: ConversationView) => void): void;
  stop(): void;
}

/** A mute that ends later is looked at again by then. */
const LOOK_AGAIN_MS = 24 * 3_600_000;

/** No notifications, and not in the total. */
export function isQuiet({ silentUntilMs, archived }: ConversationView, nowMs: number): boolean {
  return archived || silentUntilMs > nowMs;
}

export function watchConversations(client: ClientApi, clock: Clock): ConversationWatch {
  const conversations = new Map<string, ConversationView>();
  const unreadListeners: ((total: number) => void)[] = [];
  const changeListeners: ((conversation: ConversationView) => void)[] = [];
  let total = 0;
  let cancelTimer: (() => void) | undefined;

  const count = (): void => {
    cancelTimer?.();
    cancelTimer = undefined;
    const now = clock.now();
    let next = 0;
    let muteEnds = Number.POSITIVE_INFINITY;
    for (const conversation of conversations.values()) {
      const { unread, silentUntilMs, archived } = conversation;
      if (!isQuiet(conversation, now)) next += unread;
      else if (!archived && unread > 0) muteEnds = Math.min(muteEnds, silentUntilMs);
    }
    if (muteEnds < Number.POSITIVE_INFINITY) {
      cancelTimer = clock.setTimer(Math.min(muteEnds - now, LOOK_AGAIN_MS), count);
    }
    if (next === total) return;
    total = next;
    for (const listener of unreadListeners) listener(total);
  };

  const apply = (changed: readonly ConversationView[]): void => {
    for (const conversation of changed) {
      conversations.set(conversation.conversationId, conversation);
      for (const listener of changeListeners) listener(conversation);
    }
    count();
  };

  const subscriptions = [
    client.on('conversations', apply),
    client.on('account', (account) => {
      if (account) return;
      conversations.clear();
      apply([]);
    }),
  ];

  return {
    conversations,
    get total() {
      return total;
    },
    async start() {
      const { account } = await client.app();
      if (!account) return;
      const known = await client.listConversations();
      // What an event brought in the meantime is newer.
      apply(known.filter(({ conversationId }) => !conversations.has(conversationId)));
    },
    onUnread(listener) {
      unreadListeners.push(listener);
    },
    onChange(listener) {
      changeListeners.push(listener);
    },
    stop() {
      cancelTimer?.();
      cancelTimer = undefined;
      for (const end of subscriptions) end();
    },
  };
}
