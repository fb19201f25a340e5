import { Link } from 'lucide-react';
import { useEffect } from 'react';
import { useIntl } from 'react-intl';
import type { SearchHitView, UserView } from '../../bridge/contract.ts';
import { Avatar, Spinner } from '../design/controls.tsx';
import { ConversationAvatar } from '../groups/conversation-avatar.tsx';
import { exactTime, listTime } from '../i18n/dates.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useApp, useConversation } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import itemStyles from './conversation-item.module.css';
import { ConversationItem } from './conversation-item.tsx';
import styles from './conversation-list.module.css';
import { HighlightedText } from './highlighted-text.tsx';
import { oneLine } from './safe-text.ts';
import type { SearchResults } from './use-search.ts';

/** Of a large account only the first ones are worth drawing: the rest is one more letter away. */
const mostShown = 30;

export type SearchTarget =
  | { kind: 'link' | 'conversation' | 'person'; id: string }
  | { kind: 'message'; id: string; order: number };

/** What the arrow keys walk through, from top to bottom. */
export function searchTargets(results: SearchResults, link: string | null): SearchTarget[] {
  const { conversations, people, messages } = results;
  if (link !== null) return [{ kind: 'link', id: link }];
  return [
    ...conversations.slice(0, mostShown).map((one) => ({ kind: 'conversation' as const, id: one.conversationId })),
    ...people.slice(0, mostShown).map((one) => ({ kind: 'person' as const, id: one.userId })),
    ...messages.map(({ message }) => ({
      kind: 'message' as const,
      id: message.conversationId,
      order: message.order,
    })),
  ];
}

export function SearchOptions(props: {
  listId: string;
  query: string;
  results: SearchResults;
  /** What was typed is an invite link. */
  link: string | null;
  active: number;
  onOpenConversation(id: string): void;
  onOpenPerson(id: string): void;
  onOpenLink(link: string): void;
  onOpenMessage(conversationId: string, order: number): void;
}) {
  const { listId, query, results, link, active, onOpenConversation, onOpenPerson, onOpenLink, onOpenMessage } = props;
  const text = useText();
  const openId = useApp((state) => state.openConversationId);
  const today = useNow(60 * 1000);
  const conversations = results.conversations.slice(0, mostShown);
  const people = results.people.slice(0, mostShown);
  const { messages } = results;
  const total = conversations.length + people.length + messages.length;

  useEffect(() => {
    document.getElementById(`${listId}-${active}`)?.scrollIntoView({ block: 'nearest' });
  }, [listId, active]);

  if (link !== null) return <LinkOption listId={listId} link={link} onOpen={onOpenLink} />;
  return (
    <div className={styles.scroller} onPointerDown={(event) => event.preventDefault()}>
      <div id={listId} role="listbox" aria-label={text('chats.search')}>
        {conversations.length > 0 ? <SectionTitle>{text('chats.sectionChats')}</SectionTitle> : null}
        {conversations.map((conversation, index) => (
          <ConversationItem
            key={conversation.conversationId}
            id={`${listId}-${index}`}
            conversation={conversation}
            open={conversation.conversationId === openId}
            active={index === active}
            tabbable={false}
            position={index + 1}
            total={total}
            today={today}
            onOpen={onOpenConversation}
          />
        ))}
        {people.length > 0 ? <SectionTitle>{text('chats.sectionPeople')}</SectionTitle> : null}
        {people.map((person, index) => (
          <PersonOption
            key={person.userId}
            id={`${listId}-${conversations.length + index}`}
            person={person}
            active={conversations.length + index === active}
            position={conversations.length + index + 1}
            total={total}
            onOpen={onOpenPerson}
          />
        ))}
        {messages.length > 0 ? <SectionTitle>{text('list.sectionMessages')}</SectionTitle> : null}
        {messages.map((hit, index) => {
          const at = conversations.length + people.length + index;
          return (
            <MessageOption
              key={`${hit.message.conversationId}:${hit.message.msgId}`}
              id={`${listId}-${at}`}
              hit={hit}
              query={results.messagesQuery}
              active={at === active}
              position={at + 1}
              total={total}
              today={today}
              onOpen={onOpenMessage}
            />
          );
        })}
      </div>
      <div className={styles['search-note']} role="status">
        {results.state === 'searching' ? (
          <>
            <Spinner /> {text('chats.searching')}
          </>
        ) : results.state === 'offline' ? (
          text('chats.searchOffline')
        ) : total === 0 ? (
          text('chats.nothingFound', { query: oneLine(query, 40) })
        ) : null}
      </div>
    </div>
  );
}

function LinkOption({ listId, link, onOpen }: { listId: string; link: string; onOpen(link: string): void }) {
  const text = useText();
  return (
    <div className={styles.scroller} onPointerDown={(event) => event.preventDefault()}>
      <div id={listId} role="listbox" aria-label={text('chats.search')}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the search box handles the keys */}
        <div
          id={`${listId}-0`}
          role="option"
          tabIndex={-1}
          aria-selected
          className={itemStyles.item}
          data-active
          data-testid={testIds.joinLinkResult}
          onClick={() => onOpen(link)}
        >
          <span className={styles['link-icon']}>
            <Link size={20} aria-hidden="true" />
          </span>
          <span className={itemStyles.lines}>
            <span className={itemStyles.line}>
              <span className={itemStyles.title}>{text('list.openLink')}</span>
            </span>
            <span className={itemStyles.line}>
              <span className={itemStyles.preview}>{link}</span>
            </span>
          </span>
        </div>
      </div>
    </div>
  );
}

function SectionTitle({ children }: { children: string }) {
  return (
    <div className={styles.section} role="presentation">
      {children}
    </div>
  );
}

function MessageOption(props: {
  id: string;
  hit: SearchHitView;
  query: string;
  active: boolean;
  position: number;
  total: number;
  today: number;
  onOpen(conversationId: string, order: number): void;
}) {
  const { id, hit, query, active, position, total, today, onOpen } = props;
  const { message, conversationTitle } = hit;
  const intl = useIntl();
  const text = useText();
  const conversation = useConversation(message.conversationId);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search box handles the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={active}
      aria-setsize={total}
      aria-posinset={position}
      className={itemStyles.item}
      data-active={active || undefined}
      data-testid={testIds.searchHit}
      data-msg-id={message.msgId}
      data-conversation-id={message.conversationId}
      onClick={() => onOpen(message.conversationId, message.order)}
    >
      {conversation ? (
        <ConversationAvatar conversation={conversation} />
      ) : (
        <Avatar id={message.conversationId} name={conversationTitle} />
      )}
      <span className={itemStyles.lines}>
        <span className={itemStyles.line}>
          <span className={itemStyles.heading}>
            <bdi className={itemStyles.title}>{oneLine(conversationTitle, 128)}</bdi>
          </span>
          <span className={itemStyles.when}>
            <time dateTime={new Date(message.timeMs).toISOString()} title={exactTime(intl, message.timeMs)}>
              {listTime(intl, text, message.timeMs, today)}
            </time>
          </span>
        </span>
        <span className={itemStyles.line}>
          <HighlightedText className={itemStyles.preview} text={message.text} query={query} />
        </span>
      </span>
    </div>
  );
}

function PersonOption(props: {
  id: string;
  person: UserView;
  active: boolean;
  position: number;
  total: number;
  onOpen(userId: string): void;
}) {
  const { id, person, active, position, total, onOpen } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search box handles the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={active}
      aria-setsize={total}
      aria-posinset={position}
      className={itemStyles.item}
      data-active={active || undefined}
      data-testid={testIds.searchResult}
      data-user-id={person.userId}
      onClick={() => onOpen(person.userId)}
    >
      <Avatar id={person.userId} name={person.displayName || person.username} />
      <span className={itemStyles.lines}>
        <span className={itemStyles.line}>
          <bdi className={itemStyles.title}>{oneLine(person.displayName || person.username, 128)}</bdi>
        </span>
        <span className={itemStyles.line}>
          <span className={itemStyles.preview}>@{person.username}</span>
        </span>
      </span>
    </div>
  );
}
