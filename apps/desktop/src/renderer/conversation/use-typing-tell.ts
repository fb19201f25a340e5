import { useMemo } from 'react';
import { useUi } from '../state/ui-context.tsx';

/** Typing is said again after this long while it goes on; others forget it after 5 s. */
const everyMs = 3000;

/** Tells the others that I am writing. Lost ones do not matter: the next is on its way. Empty: what follows is new. */
export function useTypingTell(conversationId: string): (text: string) => void {
  const ui = useUi();
  return useMemo(() => {
    let toldAt = Number.NEGATIVE_INFINITY;
    return (text) => {
      if (text.trim() === '') toldAt = Number.NEGATIVE_INFINITY;
      const now = ui.surroundings.now();
      if (text.trim() === '' || now - toldAt < everyMs) return;
      toldAt = now;
      ui.link.call('typing.tell', { conversationId }).catch(() => {});
    };
  }, [ui, conversationId]);
}
