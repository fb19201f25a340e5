import { useEffect, useMemo, useState } from 'react';
import type { ConversationView, SearchHitView, UserView } from '../../bridge/contract.ts';
import { failureOf } from '../i18n/error-words.ts';
import { useApp, useConversations, useUi } from '../state/ui-context.tsx';

export interface SearchResults {
  readonly conversations: readonly ConversationView[];
  readonly people: readonly UserView[];
  /** The newest ones on this device, and what they were searched for with. */
  readonly messages: readonly SearchHitView[];
  readonly messagesQuery: string;
  readonly state: 'idle' | 'searching' | 'done' | 'offline';
}

const waitMs = 250;
const messagesShown = 20;
/** Nothing that is typed to find a conversation or a link is longer. */
const longestQuery = 128;

const noHits = { query: '', messages: [] };
const nothing: SearchResults = { conversations: [], people: [], messages: [], messagesQuery: '', state: 'idle' };

/** Conversations from memory at once; people from the server and messages of this device after a pause in typing. */
export function useSearch(query: string): SearchResults {
  const ui = useUi();
  const me = useApp((state) => state.account?.user.userId);
  const byId = useConversations((state) => state.byId);
  const order = useConversations((state) => state.order);
  const [found, setFound] = useState<{ query: string; people: readonly UserView[]; failed: boolean } | null>(null);
  const [hits, setHits] = useState<{ query: string; messages: readonly SearchHitView[] }>(noHits);
  const wanted = fold(query);

  useEffect(() => {
    if (wanted === '') {
      setFound(null);
      setHits(noHits);
      return undefined;
    }
    let current = true;
    const words = query.trim().slice(0, longestQuery);
    const cancel = ui.surroundings.schedule(() => {
      ui.link.call('messages.search', { query: words, limit: messagesShown }).then(
        (page) => current && setHits({ query: words, messages: page.hits }),
        () => current && setHits(noHits),
      );
      ui.link.call('users.search', { query: words }).then(
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
    if (wanted === '') return nothing;
    const conversations = order
      .map((id) => byId.get(id)!)
      .filter(({ title, peer }) => fold(title).includes(wanted) || fold(peer?.username ?? '').includes(wanted));
    const listed = new Set(conversations.map(({ peer }) => peer?.userId));
    const people = (found?.people ?? []).filter((person) => person.userId !== me && !listed.has(person.userId));
    const state = found === null || found.query !== wanted ? 'searching' : found.failed ? 'offline' : 'done';
    return { conversations, people, messages: hits.messages, messagesQuery: hits.query, state };
  }, [wanted, order, byId, found, hits, me]);
}

/** Case, width and accents do not matter. */
export function fold(text: string): string {
  return text.trim().replace(/^@/, '').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
