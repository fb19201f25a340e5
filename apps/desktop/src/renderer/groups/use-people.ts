import { useEffect, useMemo, useState } from 'react';
import type { UserView } from '../../bridge/contract.ts';
import { fold } from '../conversation/use-search.ts';
import { failureOf } from '../i18n/error-words.ts';
import { useApp, useConversations, useUi } from '../state/ui-context.tsx';

export interface People {
  readonly people: readonly UserView[];
  readonly state: 'idle' | 'searching' | 'done' | 'offline';
  /** Of them, who are members of the group already, as far as that is known. */
  readonly members: ReadonlySet<string>;
}

const waitMs = 250;
const recentShown = 50;
const nobody: ReadonlySet<string> = new Set();

/** Those I talk to first, from memory; then what the server finds. `group`: tells who is in there already. */
export function usePeople(query: string, group?: string): People {
  const ui = useUi();
  const me = useApp((state) => state.account?.user.userId);
  const byId = useConversations((state) => state.byId);
  const [found, setFound] = useState<{ query: string; people: readonly UserView[]; failed: boolean } | null>(null);
  const [members, setMembers] = useState<ReadonlySet<string>>(nobody);
  const wanted = fold(query);

  useEffect(() => {
    let current = true;
    const cancel = ui.surroundings.schedule(
      () => {
        const words = query.trim().slice(0, 128);
        if (wanted !== '') {
          ui.link.call('users.search', { query: words }).then(
            (people) => current && setFound({ query: wanted, people, failed: false }),
            (error: unknown) =>
              current && setFound({ query: wanted, people: [], failed: failureOf(error).reason !== 'BAD_REQUEST' }),
          );
        }
        if (group === undefined) return;
        ui.link.call('groups.members', { conversationId: group, query: words, after: null, limit: 100 }).then(
          (page) =>
            current && setMembers((before) => new Set([...before, ...page.members.map(({ user }) => user.userId)])),
          // Then those who are members can be picked, and the server leaves them out.
          () => {},
        );
      },
      wanted === '' ? 0 : waitMs,
    );
    return () => {
      current = false;
      cancel();
    };
  }, [ui, query, wanted, group]);

  const recent = useMemo(
    () =>
      [...byId.values()]
        .filter((one) => one.peer !== null)
        .sort((a, b) => b.lastActivityMs - a.lastActivityMs)
        .map((one) => one.peer!),
    [byId],
  );

  return useMemo(() => {
    const known = recent.filter(
      ({ displayName, username }) => fold(displayName).includes(wanted) || fold(username).includes(wanted),
    );
    if (wanted === '') return { people: known.slice(0, recentShown), state: 'idle', members };
    const here = new Set(known.map(({ userId }) => userId));
    const others = (found?.people ?? []).filter(({ userId }) => userId !== me && !here.has(userId));
    const state = found === null || found.query !== wanted ? 'searching' : found.failed ? 'offline' : 'done';
    return { people: [...known, ...others], state, members };
  }, [wanted, recent, found, me, members]);
}

export function nameOf(user: UserView): string {
  return user.displayName || user.username;
}
