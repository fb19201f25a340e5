import { useMemo } from 'react';
import { highlight } from './highlight.ts';
import { plainWords } from './plain-words.ts';

/** Of a long message only what stands round the first hit is drawn. */
const readAtMost = 4000;

export function HighlightedText(props: { text: string; query: string; className: string | undefined }) {
  const { text, query, className } = props;
  const parts = useMemo(() => highlight(plainWords(text, readAtMost), query), [text, query]);
  return (
    <span className={className} dir="auto">
      {parts.map((part, index) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
        part.found ? <mark key={index}>{part.text}</mark> : part.text,
      )}
    </span>
  );
}
