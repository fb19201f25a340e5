import { Users } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useText } from '../i18n/use-text.ts';
import { useConversation, useLive, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './message-row.module.css';

const waitMs = 400;

/** How many have read my newest message; a press shows who. Its line is there from the start, so nothing moves. */
export function ReadCount({
  conversationId,
  convSeq,
  onOpen,
}: {
  conversationId: string;
  convSeq: number;
  onOpen(): void;
}) {
  const ui = useUi();
  const text = useText();
  const moved = useLive((state) => state.readersMoved.get(conversationId) ?? 0);
  const headSeq = useConversation(conversationId)?.headSeq ?? 0;
  const [known, setKnown] = useState<{ read: number; of: number } | null>(null);
  const asked = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: somebody read on, or wrote: the count is out of date
  useEffect(() => {
    let current = true;
    // The first time at once, then at most a few times a second.
    const cancel = ui.surroundings.schedule(
      () => {
        ui.link.call('messages.readCounts', { conversationId, convSeqs: [convSeq] }).then(
          ([count]) => current && count && setKnown({ read: count.read, of: count.of }),
          // The last one stays until the next time.
          () => {},
        );
      },
      asked.current ? waitMs : 0,
    );
    asked.current = true;
    return () => {
      current = false;
      cancel();
    };
  }, [ui, conversationId, convSeq, moved, headSeq]);

  const words =
    known === null || known.of === 0
      ? null
      : known.read === 0
        ? text('message.readNone')
        : known.read >= known.of
          ? text('message.readAll')
          : text('message.readSome', { read: known.read, of: known.of });
  return (
    <p className={styles['read-count']}>
      {words === null ? null : (
        <button type="button" tabIndex={-1} onClick={onOpen} data-testid={testIds.readCount}>
          <Users size={12} aria-hidden="true" />
          {words}
        </button>
      )}
    </p>
  );
}
