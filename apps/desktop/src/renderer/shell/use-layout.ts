import { useSyncExternalStore } from 'react';

/** One stack; narrow list and chat; or rail, list and chat. The same limits as in the stylesheets. */
export type Layout = 'phone' | 'tablet' | 'desktop';

const wide = '(min-width: 960px)';
const middle = '(min-width: 640px)';

function subscribe(listener: () => void): () => void {
  const queries = [window.matchMedia(wide), window.matchMedia(middle)];
  for (const query of queries) query.addEventListener('change', listener);
  return () => {
    for (const query of queries) query.removeEventListener('change', listener);
  };
}

function read(): Layout {
  if (window.matchMedia(wide).matches) return 'desktop';
  return window.matchMedia(middle).matches ? 'tablet' : 'phone';
}

export function useLayout(): Layout {
  return useSyncExternalStore(subscribe, read);
}

/** Whether a media query holds, now and whenever it changes. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query);
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => window.matchMedia(query).matches,
  );
}

/** Fingers, not a pointer: do not open the keyboard unasked. */
export function isTouch(): boolean {
  return window.matchMedia('(pointer: coarse)').matches;
}
