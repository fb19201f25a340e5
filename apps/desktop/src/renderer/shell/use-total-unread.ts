import { useConversations } from '../state/ui-context.tsx';

/** Derived from the conversations, never counted up. */
export function useTotalUnread(): number {
  return useConversations((state) => {
    let total = 0;
    for (const conversation of state.byId.values()) total += conversation.unread;
    return total;
  });
}
