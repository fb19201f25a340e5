import { useCallback, useEffect, useRef, useState } from 'react';
import type { SearchHitView, SearchPageView } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import { useUi } from '../state/ui-context.tsx';

export interface Wanted {
  readonly query: string;
  /** null: everywhere. */
  readonly conversationId: string | null;
  readonly senderId: string | null;
  /** 0: any time. */
  readonly fromMs: number;
}

export interface Found {
  readonly query: string;
  readonly hits: readonly SearchHitView[];
  readonly state: 'idle' | 'searching' | 'done' | 'more' | { readonly failed: string };
}

const waitMs = 200;
const pageLimit = 40;
const nothing: Found = { query: '', hits: [], state: 'idle' };

/** What the device finds, after a pause in typing. Old hits stay until the new ones are there. */
export function useMessageSearch(wanted: Wanted): { found: Found; more(): void; again(): void } {
  const ui = useUi();
  const [found, setFound] = useState<Found>(nothing);
  const next = useRef<SearchPageView['next']>(null);
  const round = useRef(0);
  const running = useRef(false);
  const [tries, setTries] = useState(0);
  const { query, conversationId, senderId, fromMs } = wanted;

  const ask = useCallback(
    async (number: number, after: SearchPageView['next'], before: readonly SearchHitView[]): Promise<void> => {
      running.current = true;
      try {
        const page = await ui.link.call('messages.search', {
          query,
          limit: pageLimit,
          ...(conversationId === null ? {} : { conversationId }),
          ...(senderId === null ? {} : { senderId }),
          ...(fromMs === 0 ? {} : { fromMs }),
          ...(after ? { after } : {}),
        });
        if (round.current !== number) return;
        next.current = page.next;
        setFound({ query, hits: [...before, ...page.hits], state: page.next ? 'more' : 'done' });
      } catch (error) {
        if (round.current === number) setFound({ query, hits: before, state: { failed: failureOf(error).reason } });
      } finally {
        if (round.current === number) running.current = false;
      }
    },
    [ui, query, conversationId, senderId, fromMs],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: another try asks for the same once more
  useEffect(() => {
    const number = ++round.current;
    running.current = false;
    next.current = null;
    if (query === '') {
      setFound(nothing);
      return undefined;
    }
    setFound((before) => ({ ...before, state: 'searching' }));
    return ui.surroundings.schedule(() => void ask(number, null, []), waitMs);
  }, [ui, query, ask, tries]);

  const more = useCallback(() => {
    if (running.current || next.current === null) return;
    void ask(round.current, next.current, found.hits);
  }, [ask, found.hits]);

  const again = useCallback(() => setTries((count) => count + 1), []);

  return { found, more, again };
}
