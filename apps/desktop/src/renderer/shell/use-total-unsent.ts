import { useConversations } from '../state/ui-context.tsx';

/** My messages that are only on this device: gone when its data goes. */
export function useTotalUnsent(): number {
  return useConversations((state) => {
    let total = 0;
    for (const conversation of state.byId.values()) total += conversation.unsent;
    return total;
  });
}
