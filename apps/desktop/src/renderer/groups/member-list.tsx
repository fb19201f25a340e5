import { Search, X } from 'lucide-react';
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useId, useRef, useState } from 'react';
import { Virtualizer, type VirtualizerHandle } from 'virtua';
import type { GroupView, MemberView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { Button, Spinner } from '../design/controls.tsx';
import type { Question } from '../design/dialog.tsx';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { MemberActions, type MemberMenuTarget, rightsOver } from './member-actions.tsx';
import styles from './member-list.module.css';
import { MemberRow } from './member-row.tsx';
import type { GroupChange } from './use-group-change.ts';
import { useMembers } from './use-members.ts';

const rowHeight = 52;
/** Rows before the end at which the next page is asked for. */
const ahead = 40;

/** All members of a group, in a scroller that holds more above them. Drawn are only the rows in view. */
export function MemberList(props: {
  conversationId: string;
  title: string;
  group: GroupView;
  scroller: RefObject<HTMLDivElement | null>;
  change(change: GroupChange): Promise<unknown>;
  attempt(action: () => Promise<unknown>): void;
  ask(question: Question): void;
}) {
  const { conversationId, title, group, scroller, change, attempt, ask } = props;
  const ui = useUi();
  const text = useText();
  const me = useApp((state) => state.account?.user.userId ?? '');
  const now = useNow(60 * 1000);
  const [query, setQuery] = useState('');
  const { rows, state, reason, hasMore, loadMore, retry } = useMembers(conversationId, query);
  const [menu, setMenu] = useState<MemberMenuTarget | null>(null);
  const [focused, setFocused] = useState(0);
  const [range, setRange] = useState({ from: 0, to: 15 });
  const handle = useRef<VirtualizerHandle>(null);
  const head = useRef<HTMLDivElement>(null);
  const startMargin = useOffsetIn(scroller, head);
  const listId = useId();
  const searching = query.trim() !== '';
  const tabbable = Math.min(focused, rows.length - 1);
  // While more may come, the number that the group has; a search says how many only at its end.
  const total = hasMore ? (searching ? -1 : Math.max(rows.length, group.memberCount)) : rows.length;

  const look = useCallback(() => {
    const list = handle.current;
    if (!list || list.viewportSize === 0) return;
    const from = list.findItemIndex(list.scrollOffset - startMargin);
    const to = list.findItemIndex(list.scrollOffset - startMargin + list.viewportSize) + 1;
    setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
    if (to + ahead >= rows.length) loadMore();
  }, [rows.length, loadMore, startMargin]);

  useEffect(look, [look]);

  const visible = rows
    .slice(range.from, range.to)
    .map(({ user }) => user.userId)
    .join();
  useEffect(() => (visible === '' ? undefined : ui.presence.watch(visible.split(','))), [ui, visible]);

  const onMenu = useCallback((member: MemberView, at: DOMRect) => setMenu({ member, at }), []);
  const rowAt = (index: number) => document.getElementById(`${listId}-${index}`);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const row = (event.target as Element).closest<HTMLElement>('[data-user-id]');
    const index = rows.findIndex(({ user }) => user.userId === row?.dataset.userId);
    if (index < 0 || row === null || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10')) {
      event.preventDefault();
      if (hasMenu(rows[index]!)) onMenu(rows[index]!, row.getBoundingClientRect());
      return;
    }
    const target = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(rows.length - 1, target));
    setFocused(next);
    handle.current?.scrollToIndex(next, { align: 'nearest' });
    requestAnimationFrame(() => rowAt(next)?.focus());
  };

  const hasMenu = (member: MemberView): boolean => rightsOver(group, member, me).message;

  return (
    <>
      <div ref={head} className={styles.head}>
        <h3 data-testid={testIds.memberCount} data-count={group.memberCount}>
          {text('group.memberCount', { count: group.memberCount })}
        </h3>
        <div className={styles.search}>
          <Search size={15} aria-hidden="true" />
          <input
            type="search"
            aria-label={text('group.searchMembers')}
            placeholder={text('group.searchMembers')}
            autoComplete="off"
            spellCheck={false}
            maxLength={128}
            value={query}
            onChange={(event) => {
              setQuery(event.target.value);
              setFocused(0);
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Escape' || query === '') return;
              // Escape clears the search before it closes anything.
              event.stopPropagation();
              setQuery('');
            }}
            data-testid={testIds.memberSearch}
          />
          {searching ? (
            <button type="button" aria-label={text('chats.clearSearch')} onClick={() => setQuery('')}>
              <X size={15} aria-hidden="true" />
            </button>
          ) : null}
        </div>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: the virtual list puts wrappers between a list and its items */}
      <div
        role="list"
        aria-label={text('group.members')}
        className={styles.list}
        onKeyDown={onKeyDown}
        data-testid={testIds.memberList}
      >
        <Virtualizer
          ref={handle}
          data={rows}
          scrollRef={scroller}
          startMargin={startMargin}
          itemSize={rowHeight}
          keepMounted={tabbable >= 0 ? [tabbable] : []}
          onScroll={look}
        >
          {(member, index) => (
            <MemberRow
              key={member.user.userId}
              id={`${listId}-${index}`}
              member={member}
              isMe={member.user.userId === me}
              muted={member.mutedUntilMs > now}
              position={index + 1}
              total={total}
              tabbable={index === tabbable}
              hasMenu={hasMenu(member)}
              onMenu={onMenu}
            />
          )}
        </Virtualizer>
      </div>
      <div className={styles.end} role="status">
        {state === 'failed' ? (
          <>
            <span>{errorWords(text, reason)}</span>
            <Button kind="quiet" onClick={retry}>
              {text('app.retry')}
            </Button>
          </>
        ) : state === 'loading' || hasMore ? (
          <Spinner />
        ) : rows.length === 0 ? (
          text('group.nobodyFound', { query: oneLine(query, 40) })
        ) : null}
      </div>
      <MemberActions
        target={menu}
        group={group}
        me={me}
        title={title}
        onClose={() => setMenu(null)}
        returnTo={() => {
          const index = rows.findIndex(({ user }) => user.userId === menu?.member.user.userId);
          return index < 0 ? null : rowAt(index);
        }}
        change={change}
        attempt={attempt}
        ask={ask}
      />
    </>
  );
}

/** How far the rows begin below the top of what the scroller holds. */
function useOffsetIn(scroller: RefObject<HTMLElement | null>, head: RefObject<HTMLElement | null>): number {
  const [offset, setOffset] = useState(0);
  useEffect(() => {
    const outer = scroller.current;
    const element = head.current;
    const content = element?.parentElement;
    if (!outer || !element || !content) return undefined;
    const measure = (): void => {
      const top = element.getBoundingClientRect().bottom - outer.getBoundingClientRect().top + outer.scrollTop;
      setOffset(Math.round(top));
    };
    measure();
    const observer = new ResizeObserver(measure);
    for (const child of content.children) observer.observe(child);
    return () => observer.disconnect();
  }, [scroller, head]);
  return offset;
}
