/** What the shell has to know of the conversations: who they are with and how much is unread. */
import type { ClientApi } from '../engine/client-api.ts';
import type { ConversationView } from '../engine/views.ts';

export interface ConversationWatch {
  readonly conversations: ReadonlyMap<string, ConversationView>;
  /** Reads the list, if somebody is logged in; events keep it from then on. */
  start(): Promise<void>;
  /** Called when the sum of unread messages is another. */
  onUnread(listener: (total: number) => void): void;
  /** Called with each conversation that changed. */
  onChange(listener: (conversation: ConversationView) => void): void;
  stop(): void;
}

export function watchConversations(client: ClientApi): ConversationWatch {
  const conversations = new Map<string, ConversationView>();
  const unreadListeners: ((total: number) => void)[] = [];
  const changeListeners: ((conversation: ConversationView) => void)[] = [];
  let total = 0;

  const apply = (changed: readonly ConversationView[]): void => {
    for (const conversation of changed) {
      conversations.set(conversation.conversationId, conversation);
      for (const listener of changeListeners) listener(conversation);
    }
    let next = 0;
    for (const { unread } of conversations.values()) next += unread;
    if (next === total) return;
    total = next;
    for (const listener of unreadListeners) listener(total);
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
      for (const end of subscriptions) end();
    },
  };
}
