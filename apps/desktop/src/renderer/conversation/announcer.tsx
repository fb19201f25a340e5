import { useEffect, useRef, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import type { MessageWindow } from '../state/message-window.ts';
import { plainWords } from './plain-words.ts';

/** Says newly arrived messages of the open conversation to screen readers, and nothing else. */
export function Announcer({ conversation, messages }: { conversation: ConversationView; messages: MessageWindow }) {
  const text = useText();
  const [words, setWords] = useState('');
  const last = useRef(messages.rows.at(-1)?.order ?? 0);
  const { title } = conversation;

  useEffect(() => {
    if (messages.hasNewer) return;
    const fresh = messages.rows.filter((row) => !row.mine && row.kind === 'text' && row.order > last.current);
    last.current = Math.max(last.current, messages.rows.findLast((row) => row.convSeq !== null)?.order ?? 0);
    const newest = fresh.at(-1);
    if (newest) {
      const sender = newest.senderName.slice(0, 64) || title;
      setWords(text('chat.arrived', { sender, text: plainWords(newest.text) }));
    }
  }, [messages, title, text]);

  return (
    <div className="visually-hidden" aria-live="polite">
      {words}
    </div>
  );
}
