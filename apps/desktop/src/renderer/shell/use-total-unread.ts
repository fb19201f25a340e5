import { useConversations } from '../state/ui-context.tsx';
import { useNow } from './use-now.ts';

/** Derived from the conversations, never counted up: what is muted or archived is not in it. */
export function useTotalUnread(): number {
  // A mute that ends brings its conversation back.
  const now = useNow(60 * 1000);
  return useConversations((state) => {
    let total = 0;
    for (const { unread, silentUntilMs, archived } of state.byId.values()) {
      if (!archived && silentUntilMs <= now) total += unread;
    }
    return total;
  });
}
