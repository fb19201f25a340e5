import { Link, MessageCirclePlus, Plus, Search, Settings, UserRoundSearch, UsersRound, X } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useId, useRef, useState } from 'react';
import { Button, IconButton } from '../design/controls.tsx';
import { ButtonMenu, MenuItem } from '../design/menu.tsx';
import { joinTokenIn } from '../groups/join-link.ts';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { searchInputId } from '../shell/search-input.ts';
import { useLayout } from '../shell/use-layout.ts';
import { loadConversations } from '../state/connect-ui.ts';
import { jumpTo } from '../state/jump.ts';
import { openConversation, openDirectWith } from '../state/open-conversation.ts';
import { useConversations, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './conversation-list.module.css';
import { ArchiveHeader, ArchiveRow, archiveRowHeight, useSections } from './conversation-list-archive.tsx';
import { ConversationOptions } from './conversation-options.tsx';
import { SearchOptions, searchTargets } from './search-options.tsx';
import { useSearch } from './use-search.ts';

/** The search box and below it the conversations, or what was found. */
export function ConversationList() {
  const ui = useUi();
  const text = useText();
  const layout = useLayout();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const [focused, setFocused] = useState(false);
  const [inArchive, setInArchive] = useState(false);
  const results = useSearch(query);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const searching = query.trim() !== '';
  const link = joinTokenIn(query) === null ? null : query.trim();
  const targets = searchTargets(results, link);
  const narrow = layout === 'tablet' && !focused && !searching;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another query begins at its first result
  useEffect(() => setActive(0), [query]);

  const clear = useCallback(() => {
    setQuery('');
    setFocused(false);
    input.current?.blur();
  }, []);

  const openOne = useCallback(
    (conversationId: string) => {
      clear();
      void openConversation(ui, conversationId);
    },
    [ui, clear],
  );

  const openPerson = useCallback(
    (userId: string) => {
      // The person stays in the list when it fails, to be tried again.
      openDirectWith(ui, userId).then(clear, () => {});
    },
    [ui, clear],
  );

  const openLink = useCallback(
    (joinLink: string) => {
      clear();
      ui.app.setState({ joinLink });
    },
    [ui, clear],
  );

  const openMessage = useCallback(
    async (conversationId: string, order: number): Promise<void> => {
      clear();
      await openConversation(ui, conversationId);
      await jumpTo(ui, conversationId, order, { remember: false });
    },
    [ui, clear],
  );

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      clear();
    } else if (event.key === 'ArrowDown' && !searching) {
      event.preventDefault();
      document.getElementById(listId)?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive((index) => Math.max(0, Math.min(targets.length - 1, index + step)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const target = targets[active];
      if (target?.kind === 'conversation') openOne(target.id);
      if (target?.kind === 'person') openPerson(target.id);
      if (target?.kind === 'link') openLink(target.id);
      if (target?.kind === 'message') void openMessage(target.id, target.order);
    }
  };

  return (
    <aside className={styles.list} data-narrow={narrow || undefined} aria-label={text('chats.list')}>
      <header className={styles.header}>
        <div className={styles.search}>
          <Search size={16} aria-hidden="true" />
          <input
            ref={input}
            id={searchInputId}
            type="text"
            role="combobox"
            aria-expanded={searching}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={searching && targets[active] ? `${listId}-${active}` : undefined}
            aria-label={text('chats.searchPeople')}
            placeholder={text('chats.searchPeople')}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            // An invite link fits in.
            maxLength={512}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onFocus={() => setFocused(true)}
            onBlur={() => setFocused(false)}
            onKeyDown={onKeyDown}
            data-testid={testIds.peopleSearch}
          />
          {searching ? (
            <button type="button" className={styles.clear} aria-label={text('chats.clearSearch')} onClick={clear}>
              <X size={16} aria-hidden="true" />
            </button>
          ) : null}
        </div>
        {layout === 'tablet' ? null : <NewMenu onFind={() => input.current?.focus()} />}
      </header>
      {inArchive && !searching ? <ArchiveHeader onBack={() => setInArchive(false)} /> : null}
      {searching ? (
        <SearchOptions
          listId={listId}
          query={query.trim()}
          results={results}
          link={link}
          active={active}
          onOpenConversation={openOne}
          onOpenPerson={openPerson}
          onOpenLink={openLink}
          onOpenMessage={(conversationId, order) => void openMessage(conversationId, order)}
        />
      ) : (
        <Conversations
          listId={listId}
          inArchive={inArchive}
          onArchive={setInArchive}
          onOpen={openOne}
          onFind={() => input.current?.focus()}
        />
      )}
      {layout === 'tablet' ? (
        <footer className={styles.foot}>
          <NewMenu onFind={() => input.current?.focus()} />
          <IconButton
            label={text('nav.settings')}
            onClick={() => ui.app.setState({ screen: 'settings' })}
            data-testid={testIds.settingsButton}
          >
            <Settings size={20} aria-hidden="true" />
          </IconButton>
        </footer>
      ) : null}
    </aside>
  );
}

/** What can be begun: a chat, a group, or joining one. */
function NewMenu({ onFind }: { onFind(): void }) {
  const ui = useUi();
  const text = useText();
  const icon = { size: 16, 'aria-hidden': true } as const;
  return (
    <ButtonMenu
      button={
        <IconButton label={text('list.new')} className={styles.plus} data-testid={testIds.newMenu}>
          <Plus size={20} aria-hidden="true" />
        </IconButton>
      }
    >
      {/* The menu gives the focus back first. */}
      <MenuItem icon={<MessageCirclePlus {...icon} />} onClick={() => setTimeout(onFind)}>
        {text('list.newChat')}
      </MenuItem>
      <MenuItem
        icon={<UsersRound {...icon} />}
        onClick={() => ui.app.setState({ dialog: 'new-group' })}
        testId={testIds.newGroup}
      >
        {text('list.newGroup')}
      </MenuItem>
      <MenuItem icon={<Link {...icon} />} onClick={() => ui.app.setState({ joinLink: '' })} testId={testIds.joinByLink}>
        {text('list.joinByLink')}
      </MenuItem>
    </ButtonMenu>
  );
}

function Conversations(props: {
  listId: string;
  inArchive: boolean;
  onArchive(shown: boolean): void;
  onOpen(id: string): void;
  onFind(): void;
}) {
  const { listId, inArchive, onArchive, onOpen } = props;
  const ui = useUi();
  const text = useText();
  const loaded = useConversations((state) => state.loaded);
  const failed = useConversations((state) => state.failed);
  const none = useConversations((state) => state.order.length === 0);
  const { chats, archived } = useSections();
  // The last one was taken out of the archive.
  const leave = inArchive && archived.length === 0;
  useEffect(() => {
    if (leave) onArchive(false);
  }, [leave, onArchive]);
  if (!none) {
    const above =
      inArchive || archived.length === 0
        ? undefined
        : { row: <ArchiveRow ids={archived} onOpen={() => onArchive(true)} />, height: archiveRowHeight };
    return (
      <ConversationOptions
        key={inArchive ? 'archive' : 'chats'}
        listId={listId}
        ids={inArchive ? archived : chats}
        onOpen={onOpen}
        above={above}
      />
    );
  }
  if (failed !== null) {
    return (
      <div className={styles.empty} role="alert">
        <h2>{text('chats.loadFailed')}</h2>
        <p>{errorWords(text, failed)}</p>
        <Button kind="quiet" onClick={() => void loadConversations(ui)}>
          {text('app.retry')}
        </Button>
      </div>
    );
  }
  if (!loaded) return <ListSkeleton />;
  return (
    <div className={styles.empty}>
      <UserRoundSearch size={48} strokeWidth={1.25} aria-hidden="true" />
      <h2>{text('chats.empty')}</h2>
      <p>{text('chats.emptyHint')}</p>
      <Button onClick={props.onFind}>{text('chats.emptyAction')}</Button>
    </div>
  );
}

/** Appears after 150 ms by its stylesheet. */
function ListSkeleton() {
  return (
    <div className={styles.skeleton} aria-busy="true">
      {[1, 2, 3, 4, 5, 6].map((row) => (
        <div key={row} className={styles['skeleton-row']}>
          <span />
          <span />
        </div>
      ))}
    </div>
  );
}
