import { useMemo, useState } from 'react';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-text.module.css';
import { clip, clipAt, createLinkFinder, cutMarks, drawAtMost, emojiCount } from './safe-text.ts';

/** Holds no state: the rules, made once. */
const findLinks = createLinkFinder();

/** The text of a message as safe nodes: no markup is ever read from it. */
export function MessageText({ text }: { text: string }) {
  const words = useText();
  const [whole, setWhole] = useState(false);
  const { pieces, clipped, emoji } = useMemo(() => {
    const shown = clip(cutMarks(text.slice(0, drawAtMost)), whole ? drawAtMost : clipAt);
    return {
      pieces: findLinks(shown.text),
      clipped: shown.clipped || text.length > drawAtMost,
      emoji: emojiCount(text.slice(0, 65)),
    };
  }, [text, whole]);
  const canClip = text.length > clipAt;
  return (
    <>
      <span className={styles.text} data-testid={testIds.messageText} data-emoji={emoji || undefined}>
        {pieces.map((piece, index) =>
          piece.kind === 'text' ? (
            piece.text
          ) : (
            <a
              // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
              key={index}
              href={piece.href}
              title={piece.href === piece.text ? undefined : piece.href}
              target="_blank"
              rel="noopener noreferrer"
            >
              {piece.text}
            </a>
          ),
        )}
        {clipped && !whole ? '…' : null}
      </span>
      {canClip ? (
        <button type="button" className={styles.more} aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {words(whole ? 'chat.showLess' : 'chat.showMore')}
        </button>
      ) : null}
    </>
  );
}
