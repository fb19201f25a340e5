import { type RefObject, useCallback } from 'react';

/** For browsers without `field-sizing: content`: the textarea's height follows its text. */
export function useGrowing(input: RefObject<HTMLTextAreaElement | null>): () => void {
  return useCallback(() => {
    const element = input.current;
    if (!element || CSS.supports('field-sizing', 'content')) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [input]);
}
