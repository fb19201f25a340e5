import { useEffect } from 'react';
import { errorWords } from '../i18n/error-words.ts';
import { type Text, useText } from '../i18n/use-text.ts';
import { useUi, useWork } from '../state/ui-context.tsx';
import type { NoteWords } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';

const shownMs = 4000;

/** What just happened, or why nothing did: a line over the composer, for a moment. */
export function ChatNote({ conversationId }: { conversationId: string }) {
  const ui = useUi();
  const text = useText();
  const note = useWork((state) => (state.note?.conversationId === conversationId ? state.note : null));
  const number = note?.number;

  useEffect(() => {
    if (number === undefined) return undefined;
    return ui.surroundings.schedule(() => {
      if (ui.work.getState().note?.number === number) ui.work.setState({ note: null });
    }, shownMs);
  }, [ui, number]);

  return (
    <div className={styles['note-place']} role="status">
      {note ? (
        <p key={number} className={styles.note} data-testid={testIds.chatNote} data-kind={note.say.kind}>
          {wordsOf(text, note.say)}
        </p>
      ) : null}
    </div>
  );
}

function wordsOf(text: Text, say: NoteWords): string {
  switch (say.kind) {
    case 'copied':
      return text('message.copied');
    case 'gone':
      return text('message.gone');
    case 'forwarded':
      return text('message.forwardDone', { count: say.count });
    case 'failed':
      return text('message.failed', { words: errorWords(text, say.reason) });
  }
}
