import { useCallback, useEffect, useRef, useState } from 'react';
import type { MemberPageView, MemberView, NoticeKind } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import { useUi } from '../state/ui-context.tsx';
import { foldMemberNotice } from './fold-member-notice.ts';

export interface Members {
  /** What was loaded so far, in the server's order. */
  readonly rows: readonly MemberView[];
  readonly state: 'loading' | 'done' | 'failed';
  /** Why, with state 'failed'. */
  readonly reason: string;
  readonly hasMore: boolean;
  /** The next page, when there is one and none is on its way. */
  loadMore(): void;
  /** Tries again after a failure. */
  retry(): void;
}

const pageSize = 100;
/** Up to so many rows the list is simply read anew when somebody comes. */
const readAnewUpTo = 2 * pageSize;
const searchWaitMs = 250;
const newsWaitMs = 300;

const moves: ReadonlySet<NoticeKind> = new Set(['invited', 'approved', 'joined', 'role', 'transferred']);

interface Loaded {
  readonly rows: readonly MemberView[];
  readonly next: string | null;
  readonly state: Members['state'];
  readonly reason: string;
}

const nothing: Loaded = { rows: [], next: null, state: 'loading', reason: '' };

/** Page by page, as far as somebody scrolls; never the whole group unless it is looked at. Searched by the server. */
export function useMembers(conversationId: string, query: string): Members {
  const ui = useUi();
  const [loaded, setLoaded] = useState<Loaded>(nothing);
  /** Answers to older questions are dropped. */
  const question = useRef(0);
  const paging = useRef(false);
  const latest = useRef(loaded);
  latest.current = loaded;
  const words = query.trim().slice(0, 128);

  /** Reads `count` rows from the start and puts them in place at once. */
  const read = useCallback(
    async (count: number): Promise<void> => {
      const asked = ++question.current;
      paging.current = true;
      try {
        const rows: MemberView[] = [];
        let after: string | null = null;
        do {
          const page: MemberPageView = await ui.link.call('groups.members', {
            conversationId,
            query: words,
            after,
            limit: pageSize,
          });
          if (asked !== question.current) return;
          rows.push(...page.members);
          after = page.next;
        } while (after !== null && rows.length < count);
        setLoaded({ rows, next: after, state: 'done', reason: '' });
      } catch (error) {
        if (asked !== question.current) return;
        const { reason } = failureOf(error);
        // What is shown stays; a page that could not be read anew is read with the next news.
        setLoaded((before) => (before.rows.length > 0 ? before : { ...nothing, state: 'failed', reason }));
      } finally {
        if (asked === question.current) paging.current = false;
      }
    },
    [ui, conversationId, words],
  );

  useEffect(() => {
    setLoaded((before) => ({ ...before, state: 'loading', next: null }));
    if (words === '') {
      void read(pageSize);
      return () => {
        question.current++;
      };
    }
    const cancel = ui.surroundings.schedule(() => void read(pageSize), searchWaitMs);
    return () => {
      cancel();
      question.current++;
    };
  }, [ui, words, read]);

  const loadMore = useCallback(() => {
    const { next, state } = latest.current;
    if (next === null || state === 'loading' || paging.current) return;
    const asked = question.current;
    paging.current = true;
    ui.link.call('groups.members', { conversationId, query: words, after: next, limit: pageSize }).then(
      (page) => {
        if (asked !== question.current) return;
        paging.current = false;
        setLoaded((before) => {
          const known = new Set(before.rows.map(({ user }) => user.userId));
          const fresh = page.members.filter(({ user }) => !known.has(user.userId));
          return { rows: [...before.rows, ...fresh], next: page.next, state: 'done', reason: '' };
        });
      },
      (error: unknown) => {
        if (asked !== question.current) return;
        paging.current = false;
        setLoaded((before) => ({ ...before, state: 'failed', reason: failureOf(error).reason }));
      },
    );
  }, [ui, conversationId, words]);

  const retry = useCallback(() => {
    if (latest.current.rows.length === 0) {
      setLoaded(nothing);
      void read(pageSize);
      return;
    }
    setLoaded((before) => ({ ...before, state: 'done' }));
    latest.current = { ...latest.current, state: 'done' };
    loadMore();
  }, [read, loadMore]);

  useEffect(() => {
    let cancel = (): void => {};
    const stop = ui.link.on('messages', (event) => {
      if (event.conversationId !== conversationId) return;
      const notices = event.changed.flatMap(({ notice }) => notice ?? []);
      if (notices.length === 0) return;
      setLoaded((before) => {
        let { rows } = before;
        for (const notice of notices) rows = foldMemberNotice(rows, notice) ?? rows;
        return rows === before.rows ? before : { ...before, rows };
      });
      // Somebody came, or stands in another place now.
      const moved = notices.some(({ kind }) => moves.has(kind));
      if (!moved || latest.current.rows.length > readAnewUpTo) return;
      cancel();
      cancel = ui.surroundings.schedule(() => void read(Math.max(pageSize, latest.current.rows.length)), newsWaitMs);
    });
    return () => {
      cancel();
      stop();
    };
  }, [ui, conversationId, read]);

  return {
    rows: loaded.rows,
    state: loaded.state,
    reason: loaded.reason,
    hasMore: loaded.next !== null,
    loadMore,
    retry,
  };
}
