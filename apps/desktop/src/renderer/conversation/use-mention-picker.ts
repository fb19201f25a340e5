import { type KeyboardEvent, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ConversationView, UserView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import type { Ui } from '../state/ui.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { type Asked, askedAt, mentionBefore, type Named, namesForAll } from './mentions.ts';
import { oneLine } from './safe-text.ts';
import { replaceRange } from './text-input.ts';
import { fold } from './use-search.ts';

export interface MentionOption extends Named {
  readonly username: string;
}

export interface MentionPicker {
  /** Empty: closed. */
  readonly options: readonly MentionOption[];
  readonly active: number;
  /** The text or the caret changed. */
  look(): void;
  /** True: the key was for the list, or for a mention as a whole. */
  onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>): boolean;
  choose(option: MentionOption): void;
  /** Puts a mention in at the caret. */
  insert(named: Named): void;
  close(): void;
}

const waitMs = 120;
const shown = 8;
const pageLimit = 20;

/** People to mention, while an @ is being typed. In groups only; the list is asked from the engine, never held. */
export function useMentionPicker(
  conversation: ConversationView,
  input: RefObject<HTMLTextAreaElement | null>,
): MentionPicker {
  const ui = useUi();
  const text = useText();
  const { conversationId, group } = conversation;
  const me = useApp((state) => state.account?.user.userId ?? '');
  const [asked, setAsked] = useState<Asked | null>(null);
  const [found, setFound] = useState<{ query: string; users: readonly UserView[] } | null>(null);
  const [active, setActive] = useState(0);
  /** Where Esc was pressed: this @ is a plain one. */
  const dismissed = useRef<number | null>(null);
  const query = asked?.query ?? null;
  const mayAll = group?.can.mentionAll ?? false;

  useEffect(() => {
    if (query === null) {
      setFound(null);
      return undefined;
    }
    let current = true;
    const cancel = ui.surroundings.schedule(
      () => {
        ui.link.call('groups.members', { conversationId, query: query.trim(), after: null, limit: pageLimit }).then(
          (page) => current && setFound({ query, users: page.members.map(({ user }) => user) }),
          // Whoever wrote here lately is offered still.
          () => current && setFound({ query, users: [] }),
        );
      },
      query === '' ? 0 : waitMs,
    );
    return () => {
      current = false;
      cancel();
    };
  }, [ui, conversationId, query]);

  const options = useMemo<readonly MentionOption[]>(() => {
    if (query === null) return [];
    const wanted = fold(query);
    const matches = (user: { displayName: string; username: string }) =>
      fold(user.displayName).includes(wanted) || fold(user.username).includes(wanted);
    const users = new Map<string, MentionOption>();
    for (const user of [...recentSenders(ui, conversationId), ...(found?.users ?? [])]) {
      if (user.userId !== me && matches(user) && !users.has(user.userId)) users.set(user.userId, optionOf(user));
    }
    const all = mayAll && (wanted === '' || namesForAll.some((name) => fold(name).startsWith(wanted)));
    return [
      ...(all ? [{ userId: null, name: text('composer.all'), username: '' }] : []),
      ...[...users.values()].slice(0, shown),
    ];
  }, [ui, conversationId, query, found, me, mayAll, text]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another query begins at its first option
  useEffect(() => setActive(0), [query]);

  const known = useCallback(() => ui.named.get(conversationId) ?? [], [ui, conversationId]);
  const close = useCallback(() => setAsked(null), []);

  const look = useCallback(() => {
    const element = input.current;
    if (!element || !group || element.selectionStart !== element.selectionEnd) {
      setAsked(null);
      return;
    }
    const next = askedAt(element.value, element.selectionStart, known());
    if (next?.from !== dismissed.current) dismissed.current = null;
    setAsked((before) => {
      if (next === null || dismissed.current === next.from) return null;
      return before?.from === next.from && before.query === next.query ? before : next;
    });
  }, [group, input, known]);

  const insert = useCallback(
    (named: Named, from?: number) => {
      const element = input.current;
      if (!element) return;
      const start = from ?? element.selectionStart;
      ui.named.set(conversationId, [...known().filter(({ name }) => name !== named.name), named]);
      replaceRange(element, start, element.selectionEnd, `@${named.name} `);
      setAsked(null);
    },
    [ui, conversationId, input, known],
  );

  const choose = (option: MentionOption): void => {
    if (asked) insert({ userId: option.userId, name: option.name }, asked.from);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): boolean => {
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return false;
    const element = event.currentTarget;
    if (options.length > 0 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        setActive((index) => (index + step + options.length) % options.length);
        event.preventDefault();
        return true;
      }
      if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) {
        event.preventDefault();
        choose(options[Math.min(active, options.length - 1)]!);
        return true;
      }
      if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        dismissed.current = asked?.from ?? null;
        close();
        return true;
      }
    }
    if (event.key === 'Backspace' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (element.selectionStart !== element.selectionEnd) return false;
      const place = mentionBefore(element.value, element.selectionStart, known());
      if (!place) return false;
      event.preventDefault();
      replaceRange(element, place.from, element.selectionStart, '');
      return true;
    }
    return false;
  };

  return { options, active, look, onKeyDown, choose, insert, close };
}

function optionOf(user: UserView): MentionOption {
  const name = oneLine(user.displayName || user.username, 64);
  return { userId: user.userId, name, username: user.username };
}

/** Those who wrote here last come first: they are the ones that are answered. */
function recentSenders(ui: Ui, conversationId: string): UserView[] {
  const rows = ui.messages.getState().open.get(conversationId)?.window.rows ?? [];
  const users = new Map<string, UserView>();
  for (let index = rows.length - 1; index >= 0 && users.size < shown; index--) {
    const { kind, mine, senderId, senderName } = rows[index]!;
    if (kind !== 'text' || mine || senderName === '' || users.has(senderId)) continue;
    users.set(senderId, { userId: senderId, username: '', displayName: senderName });
  }
  return [...users.values()];
}

/**
 * Whom the @names of a draft mean, when it comes from another page: asked once, by name. What is not found stays a plain
 * text.
 */
export async function recogniseMentions(ui: Ui, conversationId: string, text: string): Promise<void> {
  if (ui.named.has(conversationId)) return;
  const found: Named[] = namesForAll
    .filter((name) => text.includes(`@${name}`))
    .map((name) => ({ userId: null, name }));
  const starts = [...text.matchAll(/@([^\s@]{1,32})/gu)].slice(0, 10);
  await Promise.all(
    starts.map(async (match) => {
      const page = await ui.link
        .call('groups.members', { conversationId, query: match[1]!, after: null, limit: pageLimit })
        .catch(() => null);
      for (const { user } of page?.members ?? []) {
        const { userId, name } = optionOf(user);
        if (text.startsWith(name, match.index + 1)) found.push({ userId, name });
      }
    }),
  );
  if (found.length > 0 && !ui.named.has(conversationId)) ui.named.set(conversationId, found);
}
