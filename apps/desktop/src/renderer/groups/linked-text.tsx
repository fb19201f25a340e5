import { useMemo } from 'react';
import { createLinkFinder, cutMarks } from '../conversation/safe-text.ts';

/** Holds no state: the rules, made once. */
const findLinks = createLinkFinder();

/** Any text, with its links and nothing else in it. */
export function LinkedText({ text }: { text: string }) {
  const pieces = useMemo(() => findLinks(cutMarks(text)), [text]);
  return pieces.map((piece, index) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
      <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
        {piece.text}
      </a>
    ),
  );
}
