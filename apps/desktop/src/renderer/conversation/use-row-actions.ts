import { useMemo } from 'react';
import { jumpTo } from '../state/jump.ts';
import { react } from '../state/message-actions.ts';
import { retryMessage } from '../state/send-message.ts';
import { useUi } from '../state/ui-context.tsx';
import { say, startReply, toggleSelected } from '../state/work-store.ts';
import type { MenuTarget } from './message-menu.tsx';
import type { RowActions } from './row-actions.ts';

/** The same object for as long as the list lives, so that rows are not drawn anew for it. */
export function useRowActions(openMenu: (target: MenuTarget) => void): RowActions {
  const ui = useUi();
  return useMemo<RowActions>(
    () => ({
      // A retry that did not reach the engine leaves the message as it is: marked, with Retry.
      retry: (message) => void retryMessage(ui, message.key).catch(() => {}),
      openMenu: (message, at) => openMenu({ message, at }),
      openReactions: (message, at) => openMenu({ message, at, reactionsOnly: true }),
      react: (message, emoji, on) => void react(ui, message, emoji, on),
      reply: (message) => startReply(ui.work, message),
      openQuote: ({ conversationId, reply }) => {
        if (!reply) return;
        jumpTo(ui, conversationId, reply.convSeq, { remember: true }).catch(() =>
          say(ui.work, conversationId, { kind: 'gone' }),
        );
      },
      openReaders: ({ conversationId, convSeq }) => {
        if (convSeq !== null) ui.work.setState({ dialog: { kind: 'readers', conversationId, convSeq } });
      },
      editAgain: ({ conversationId, recalled }) => {
        if (recalled?.again != null)
          ui.work.setState({ refill: { conversationId, text: recalled.again, kind: 'text' } });
      },
      mention: ({ conversationId, senderId, senderName }) => {
        const named = { userId: senderId, name: senderName };
        if (senderName !== '') ui.work.setState({ refill: { conversationId, kind: 'mention', named } });
      },
      toggleSelected: ({ convSeq }) => {
        if (convSeq !== null) toggleSelected(ui.work, convSeq);
      },
    }),
    [ui, openMenu],
  );
}
