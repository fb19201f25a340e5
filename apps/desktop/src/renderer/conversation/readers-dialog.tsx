import { Tabs } from '@base-ui/react/tabs';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import type { ReaderPageView, UserView } from '../../bridge/contract.ts';
import { Avatar, Button, Spinner } from '../design/controls.tsx';
import { Modal } from '../design/dialog.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useLive, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './message-dialogs.module.css';
import { oneLine } from './safe-text.ts';

const pageLimit = 50;
/** So near the end the next page is asked for. */
const aheadPx = 400;

/** Who has read my message and who has not, page by page. */
export default function ReadersDialog(props: { conversationId: string; convSeq: number; onClose(): void }) {
  const { conversationId, convSeq, onClose } = props;
  const ui = useUi();
  const intl = useIntl();
  const text = useText();
  const moved = useLive((state) => state.readersMoved.get(conversationId) ?? 0);
  const [count, setCount] = useState<{ read: number; of: number } | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: somebody read on
  useEffect(() => {
    let current = true;
    ui.link.call('messages.readCounts', { conversationId, convSeqs: [convSeq] }).then(
      ([found]) => current && found && setCount({ read: found.read, of: found.of }),
      // The tabs stand without numbers then.
      () => {},
    );
    return () => {
      current = false;
    };
  }, [ui, conversationId, convSeq, moved]);

  return (
    <Modal title={text('message.readersTitle')} testId={testIds.readersDialog} onClose={onClose}>
      <Tabs.Root defaultValue="read" className={styles.tabs}>
        <Tabs.List className={styles['tab-list']}>
          <Tabs.Tab value="read" className={styles.tab} data-testid={testIds.readersRead}>
            {text('message.readTab', { count: count ? intl.formatNumber(count.read) : '–' })}
          </Tabs.Tab>
          <Tabs.Tab value="unread" className={styles.tab} data-testid={testIds.readersUnread}>
            {text('message.unreadTab', { count: count ? intl.formatNumber(count.of - count.read) : '–' })}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="read" className={styles.panel}>
          <Readers conversationId={conversationId} convSeq={convSeq} unread={false} />
        </Tabs.Panel>
        <Tabs.Panel value="unread" className={styles.panel}>
          <Readers conversationId={conversationId} convSeq={convSeq} unread />
        </Tabs.Panel>
      </Tabs.Root>
    </Modal>
  );
}

function Readers({ conversationId, convSeq, unread }: { conversationId: string; convSeq: number; unread: boolean }) {
  const ui = useUi();
  const text = useText();
  const [users, setUsers] = useState<readonly UserView[]>([]);
  const [state, setState] = useState<'loading' | 'more' | 'end' | { failed: string }>('loading');
  const after = useRef<string | null>(null);
  const running = useRef(false);

  const more = useCallback(async (): Promise<void> => {
    if (running.current) return;
    running.current = true;
    setState('loading');
    try {
      const call = { conversationId, convSeq, unread, after: after.current, limit: pageLimit };
      const page: ReaderPageView = await ui.link.call('messages.readers', call);
      after.current = page.next;
      setUsers((before) => {
        const known = new Set(before.map(({ userId }) => userId));
        return [...before, ...page.users.filter(({ userId }) => !known.has(userId))];
      });
      setState(page.next === null ? 'end' : 'more');
    } catch (error) {
      setState({ failed: failureOf(error).reason });
    } finally {
      running.current = false;
    }
  }, [ui, conversationId, convSeq, unread]);

  useEffect(() => {
    void more();
  }, [more]);

  return (
    <div
      className={styles.list}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        if (state === 'more' && scrollHeight - scrollTop - clientHeight < aheadPx) void more();
      }}
    >
      <ul>
        {users.map((user) => (
          <li key={user.userId} className={styles.row} data-testid={testIds.readerRow} data-user-id={user.userId}>
            <Avatar id={user.userId} name={user.displayName || user.username} size={36} />
            <span className={styles.names}>
              <bdi>{oneLine(user.displayName || user.username, 64)}</bdi>
              <span>@{user.username}</span>
            </span>
          </li>
        ))}
      </ul>
      {state === 'loading' ? (
        <p className={styles.nothing}>
          <Spinner />
        </p>
      ) : null}
      {state === 'end' && users.length === 0 ? (
        <p className={styles.nothing}>{text(unread ? 'message.everybodyRead' : 'message.nobodyRead')}</p>
      ) : null}
      {typeof state === 'object' ? (
        <div className={styles.nothing} role="alert">
          <p>{errorWords(text, state.failed)}</p>
          <Button kind="quiet" onClick={() => void more()}>
            {text('app.retry')}
          </Button>
        </div>
      ) : null}
    </div>
  );
}
