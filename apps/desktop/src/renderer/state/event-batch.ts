import type { BridgeEvents, ConversationView, MessageView } from '../../bridge/contract.ts';

/**
 * Gathers events and hands them on as few as possible: each carries whole values, so the last one of each thing counts.
 * `flush` hands on what is there now; whoever applies another kind of event calls it first, so that the order is kept.
 */
export interface EventBatch {
  conversations(changed: readonly ConversationView[]): void;
  messages(event: BridgeEvents['messages']): void;
  flush(): void;
  forget(): void;
}

const waitMs = 100;

export function createEventBatch(
  schedule: (action: () => void, ms: number) => () => void,
  apply: {
    conversations(changed: ConversationView[]): void;
    messages(event: BridgeEvents['messages']): void;
  },
): EventBatch {
  let conversations = new Map<string, ConversationView>();
  let messages = new Map<string, { changed: Map<string, MessageView>; removed: Set<string> }>();
  let cancel: (() => void) | null = null;

  const plan = (): void => {
    cancel ??= schedule(flush, waitMs);
  };

  const take = () => {
    cancel?.();
    cancel = null;
    const taken = { conversations, messages };
    conversations = new Map();
    messages = new Map();
    return taken;
  };

  const flush = (): void => {
    const taken = take();
    for (const [conversationId, { changed, removed }] of taken.messages) {
      const rows = [...changed.values()].sort((a, b) => a.order - b.order);
      apply.messages({ conversationId, changed: rows, removed: [...removed] });
    }
    if (taken.conversations.size > 0) apply.conversations([...taken.conversations.values()]);
  };

  return {
    conversations(changed) {
      for (const one of changed) conversations.set(one.conversationId, one);
      plan();
    },
    messages({ conversationId, changed, removed }) {
      const held = messages.get(conversationId) ?? { changed: new Map(), removed: new Set() };
      messages.set(conversationId, held);
      for (const row of changed) {
        held.removed.delete(row.key);
        held.changed.set(`${row.senderId}:${row.key}`, row);
      }
      for (const key of removed) {
        held.removed.add(key);
        for (const [id, row] of held.changed) if (row.key === key) held.changed.delete(id);
      }
      plan();
    },
    flush,
    forget() {
      take();
    },
  };
}
