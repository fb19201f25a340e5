import { ChevronLeft, Search, X } from 'lucide-react';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import type { ConversationView, SearchHitView } from '../../bridge/contract.ts';
import { Avatar, Button, IconButton, Segmented, Spinner } from '../design/controls.tsx';
import { exactTime, listTime } from '../i18n/dates.ts';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useLayout } from '../shell/use-layout.ts';
import { useNow } from '../shell/use-now.ts';
import { jumpTo } from '../state/jump.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { HighlightedText } from './highlighted-text.tsx';
import styles from './message-search.module.css';
import { oneLine } from './safe-text.ts';
import { SearchFrom } from './search-from.tsx';
import { messageSearchId } from './use-conversation-keys.ts';
import { useMessageSearch } from './use-message-search.ts';

const aheadPx = 400;
const periods = { any: 0, today: 1, week: 7, month: 30, year: 365 } as const;
type Period = keyof typeof periods;

/** Messages by their words: in this conversation or everywhere, by sender and time. A hit opens in its place. */
export default function MessageSearch({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const layout = useLayout();
  const { conversationId } = conversation;
  const [query, setQuery] = useState('');
  const [scope, setScope] = useState<'here' | 'everywhere'>('here');
  const [sender, setSender] = useState<{ userId: string; name: string } | null>(null);
  const [period, setPeriod] = useState<Period>('any');
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const today = useNow(60 * 60 * 1000);
  const wanted = useMemo(
    () => ({
      query: query.trim().slice(0, 256),
      conversationId: scope === 'here' ? conversationId : null,
      senderId: sender?.userId ?? null,
      fromMs: since(period, today),
    }),
    [query, scope, conversationId, sender, period, today],
  );
  const { found, more, again } = useMessageSearch(wanted);
  const { hits, state } = found;

  useEffect(() => input.current?.focus(), []);

  // It stands in the place of the group's information, until that is asked for.
  const panelFor = useApp((state) => state.panelFor);
  const panelBefore = useRef(panelFor);
  useEffect(() => {
    if (panelFor !== null && panelBefore.current !== panelFor) ui.work.setState({ searching: null });
    panelBefore.current = panelFor;
  }, [ui, panelFor]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another search begins at its first hit
  useEffect(() => setActive(0), [wanted]);

  const close = () => ui.work.setState({ searching: null });

  const open = async ({ message }: SearchHitView): Promise<void> => {
    const elsewhere = message.conversationId !== conversationId;
    const opening = elsewhere ? openConversation(ui, message.conversationId) : null;
    // The panel stays for the next hit; on a phone it would cover this one.
    ui.work.setState({ searching: layout === 'phone' ? null : message.conversationId });
    await opening;
    await jumpTo(ui, message.conversationId, message.order, { remember: !elsewhere });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = Math.max(0, Math.min(hits.length - 1, active + (event.key === 'ArrowDown' ? 1 : -1)));
      setActive(next);
      list.current?.querySelector(`#search-hit-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const hit = hits[active];
      if (hit) void open(hit);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
  };

  const searching = state === 'searching';
  return (
    <section className={styles.panel} aria-label={text('find.title')} data-testid={testIds.messageSearch}>
      <header className={styles.head}>
        {layout === 'phone' ? (
          <IconButton label={text('app.back')} onClick={close} data-testid={testIds.closeSearch}>
            <ChevronLeft size={26} aria-hidden="true" />
          </IconButton>
        ) : null}
        <div className={styles.search}>
          <Search size={16} aria-hidden="true" />
          <input
            ref={input}
            id={messageSearchId}
            type="text"
            role="combobox"
            aria-expanded={hits.length > 0}
            aria-controls="search-hits"
            aria-autocomplete="list"
            aria-activedescendant={hits[active] ? `search-hit-${active}` : undefined}
            aria-label={text('find.title')}
            placeholder={text('find.placeholder')}
            autoComplete="off"
            spellCheck={false}
            maxLength={256}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={onKeyDown}
            data-testid={testIds.messageSearchInput}
          />
          {searching ? <Spinner /> : null}
          {query === '' ? null : (
            <button
              type="button"
              aria-label={text('find.clear')}
              onClick={() => {
                setQuery('');
                input.current?.focus();
              }}
            >
              <X size={16} aria-hidden="true" />
            </button>
          )}
        </div>
        {layout === 'phone' ? null : (
          <IconButton label={text('app.close')} onClick={close} data-testid={testIds.closeSearch}>
            <X size={20} aria-hidden="true" />
          </IconButton>
        )}
      </header>
      <div className={styles.filters}>
        <Segmented<'here' | 'everywhere'>
          name="search-scope"
          label={text('find.scope')}
          value={scope}
          choices={[
            { value: 'here', label: text('find.here') },
            { value: 'everywhere', label: text('find.everywhere') },
          ]}
          onChange={setScope}
          testId={testIds.searchScope}
        />
        <div className={styles.selects}>
          <SearchFrom conversation={scope === 'here' ? conversation : null} sender={sender} onChange={setSender} />
          <label className={styles.select}>
            <span>{text('find.when')}</span>
            <select
              value={period}
              onChange={(event) => setPeriod(event.target.value as Period)}
              data-testid={testIds.searchWhen}
            >
              <option value="any">{text('find.anyTime')}</option>
              <option value="today">{text('find.today')}</option>
              <option value="week">{text('find.week')}</option>
              <option value="month">{text('find.month')}</option>
              <option value="year">{text('find.year')}</option>
            </select>
          </label>
        </div>
      </div>
      <p className={styles.summary} role="status" data-testid={testIds.searchSummary}>
        {hits.length > 0 && wanted.query !== ''
          ? text(state === 'more' ? 'find.foundMore' : 'find.found', { count: hits.length })
          : null}
      </p>
      <div
        ref={list}
        className={styles.list}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          if (scrollHeight - scrollTop - clientHeight < aheadPx) more();
        }}
      >
        <div id="search-hits" role="listbox" tabIndex={-1} aria-label={text('find.results')} aria-busy={searching}>
          {hits.map((hit, index) => (
            <Hit
              key={`${hit.message.conversationId}:${hit.message.msgId}`}
              id={`search-hit-${index}`}
              hit={hit}
              query={found.query}
              everywhere={scope === 'everywhere'}
              active={index === active}
              today={today}
              onOpen={() => {
                setActive(index);
                void open(hit);
              }}
            />
          ))}
        </div>
        {wanted.query === '' ? (
          <div className={styles.empty}>
            <Search size={40} strokeWidth={1.25} aria-hidden="true" />
            <p>{text('find.start')}</p>
          </div>
        ) : null}
        {state === 'done' && hits.length === 0 ? (
          <div className={styles.empty}>
            <h3>{text('find.nothing', { query: oneLine(found.query, 40) })}</h3>
            <p>{text('find.nothingHint')}</p>
          </div>
        ) : null}
        {typeof state === 'object' ? (
          <div className={styles.empty} role="alert">
            <p>{text('find.failed', { words: errorWords(text, state.failed) })}</p>
            <Button kind="quiet" onClick={again}>
              {text('app.retry')}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
}

function Hit(props: {
  id: string;
  hit: SearchHitView;
  query: string;
  everywhere: boolean;
  active: boolean;
  today: number;
  onOpen(): void;
}) {
  const { id, hit, query, everywhere, active, today, onOpen } = props;
  const { message, conversationTitle } = hit;
  const intl = useIntl();
  const text = useText();
  const name = message.mine ? text('message.you') : message.senderName.slice(0, 64) || conversationTitle.slice(0, 64);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={active}
      className={styles.hit}
      onClick={onOpen}
      data-testid={testIds.searchHit}
      data-msg-id={message.msgId}
      data-conversation-id={message.conversationId}
    >
      <Avatar id={message.senderId} name={message.senderName || name} size={32} />
      <span className={styles.lines}>
        <span className={styles.line}>
          <bdi className={styles.name}>{name}</bdi>
          <time dateTime={new Date(message.timeMs).toISOString()} title={exactTime(intl, message.timeMs)}>
            {listTime(intl, text, message.timeMs, today)}
          </time>
        </span>
        {everywhere ? <bdi className={styles.where}>{oneLine(conversationTitle, 64)}</bdi> : null}
        <HighlightedText text={message.text} query={query} className={styles.words} />
      </span>
    </div>
  );
}

/** Whole days back from the end of today. */
function since(period: Period, now: number): number {
  const days = periods[period];
  const date = new Date(now);
  return days === 0 ? 0 : new Date(date.getFullYear(), date.getMonth(), date.getDate() - days + 1).getTime();
}
