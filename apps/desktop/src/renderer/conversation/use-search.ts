import { useEffect, useMemo, useState } from 'react';
import type { ConversationView, UserView } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import { useApp, useConversations, useUi } from '../state/ui-context.tsx';

export interface SearchResults {
  readonly conversations: readonly ConversationView[];
  readonly people: readonly UserView[];
  readonly state: 'idle' | 'searching' | 'done' | 'offline';
}

const waitMs = 250;

/** Conversations from memory at once, people from the server after a pause in typing. */
export function useSearch(query: string): SearchResults {
  const ui = useUi();
  const me = useApp((state) => state.account?.user.userId);
  const byId = useConversations((state) => state.byId);
  const order = useConversations((state) => state.order);
  const [found, setFound] = useState<{ query: string; people: readonly UserView[]; failed: boolean } | null>(null);
  const wanted = fold(query);

  useEffect(() => {
    if (wanted === '') {
      setFound(null);
      return undefined;
    }
    let current = true;
    const cancel = ui.surroundings.schedule(() => {
      ui.link.call('users.search', { query: query.trim().slice(0, 128) }).then(
        (people) => current && setFound({ query: wanted, people, failed: false }),
        (error: unknown) =>
          current && setFound({ query: wanted, people: [], failed: failureOf(error).reason !== 'BAD_REQUEST' }),
      );
    }, waitMs);
    return () => {
      current = false;
      cancel();
    };
  }, [ui, query, wanted]);

  return useMemo(() => {
    if (wanted === '') return { conversations: [], people: [], state: 'idle' };
    const conversations = order
      .map((id) => byId.get(id)!)
      .filter(({ title, peer }) => fold(title).includes(wanted) || fold(peer?.username ?? '').includes(wanted));
    const listed = new Set(conversations.map(({ peer }) => peer?.userId));
    const people = (found?.people ?? []).filter((person) => person.userId !== me && !listed.has(person.userId));
    const state = found === null || found.query !== wanted ? 'searching' : found.failed ? 'offline' : 'done';
    return { conversations, people, state };
  }, [wanted, order, byId, found, me]);
}

/** Case, width and accents do not matter. */
export function fold(text: string): string {
  return text.trim().replace(/^@/, '').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
