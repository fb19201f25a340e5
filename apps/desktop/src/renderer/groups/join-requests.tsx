import { Check, X } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useIntl } from 'react-intl';
import type { PendingJoinView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { Avatar, Button, IconButton, Spinner } from '../design/controls.tsx';
import { Problem } from '../design/dialog.tsx';
import { listTime } from '../i18n/dates.ts';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './group-panel.module.css';
import requestStyles from './join-requests.module.css';
import { PanelHead } from './panel-head.tsx';
import { mostPicked } from './people-picker.tsx';
import { useAttempt, useChangeGroup } from './use-group-change.ts';
import { nameOf } from './use-people.ts';

/** Who wants to join. Decided one by one, or together. */
export function JoinRequests(props: {
  conversationId: string;
  /** How many wait, as the conversation tells: another number is read anew. */
  pending: number;
  onBack(): void;
  onClose(): void;
}) {
  const { conversationId, pending, onBack, onClose } = props;
  const ui = useUi();
  const intl = useIntl();
  const text = useText();
  const now = useNow(60 * 1000);
  const [waiting, setWaiting] = useState<readonly PendingJoinView[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const change = useChangeGroup(conversationId);
  const attempt = useAttempt();

  const load = useCallback((): (() => void) => {
    let current = true;
    setFailed(null);
    ui.link.call('groups.pendingJoins', { conversationId }).then(
      (list) => current && setWaiting(list),
      (error: unknown) => current && setFailed(failureOf(error).reason),
    );
    return () => {
      current = false;
    };
  }, [ui, conversationId]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another number means other requests
  useEffect(load, [load, pending]);

  const decide = (userIds: readonly string[], approve: boolean): void => {
    void attempt.run(async () => {
      for (let from = 0; from < userIds.length; from += mostPicked) {
        const some = userIds.slice(from, from + mostPicked);
        await change({ type: 'decide', userIds: some, approve });
        const done = new Set(some);
        setWaiting((before) => before?.filter(({ user }) => !done.has(user.userId)) ?? null);
        setChosen((before) => new Set([...before].filter((userId) => !done.has(userId))));
      }
    });
  };

  const all = (waiting ?? []).map(({ user }) => user.userId);
  const selected = all.filter((userId) => chosen.has(userId));
  return (
    <>
      <PanelHead title={text('group.requests')} onBack={onBack} onClose={onClose} />
      <div className={styles.scroller}>
        {attempt.problem === null ? null : (
          <div className={requestStyles.inset}>
            <Problem>{attempt.problem}</Problem>
          </div>
        )}
        {failed !== null ? (
          <div className={requestStyles.note}>
            <Problem>{errorWords(text, failed)}</Problem>
            <Button kind="quiet" onClick={load}>
              {text('app.retry')}
            </Button>
          </div>
        ) : waiting === null ? (
          <div className={requestStyles.note}>
            <Spinner />
          </div>
        ) : all.length === 0 ? (
          <p className={requestStyles.note}>{text('group.noRequests')}</p>
        ) : (
          <>
            <label className={requestStyles.all}>
              <input
                type="checkbox"
                checked={selected.length === all.length}
                onChange={(event) => setChosen(event.target.checked ? new Set(all) : new Set())}
                data-testid={testIds.selectAll}
              />
              {text('group.selectAll', { count: all.length })}
            </label>
            <ul className={requestStyles.list}>
              {waiting.map(({ user, requestedMs }) => {
                const name = nameOf(user);
                return (
                  <li
                    key={user.userId}
                    className={requestStyles.row}
                    data-testid={testIds.requestRow}
                    data-user-id={user.userId}
                  >
                    <input
                      type="checkbox"
                      aria-label={text('group.select', { name })}
                      checked={chosen.has(user.userId)}
                      onChange={(event) => {
                        const next = new Set(chosen);
                        if (event.target.checked) next.add(user.userId);
                        else next.delete(user.userId);
                        setChosen(next);
                      }}
                    />
                    <Avatar id={user.userId} name={name} size={36} />
                    <span className={requestStyles.names}>
                      <bdi>{oneLine(name, 64)}</bdi>
                      <span>
                        @{user.username} · {listTime(intl, text, requestedMs, now)}
                      </span>
                    </span>
                    <IconButton
                      label={text('group.approve', { name })}
                      className={requestStyles.approve}
                      disabled={attempt.busy}
                      onClick={() => decide([user.userId], true)}
                      data-testid={testIds.approve}
                    >
                      <Check size={18} aria-hidden="true" />
                    </IconButton>
                    <IconButton
                      label={text('group.decline', { name })}
                      disabled={attempt.busy}
                      onClick={() => decide([user.userId], false)}
                      data-testid={testIds.decline}
                    >
                      <X size={18} aria-hidden="true" />
                    </IconButton>
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </div>
      {selected.length > 0 ? (
        <footer className={requestStyles.foot}>
          <Button kind="quiet" disabled={attempt.busy} onClick={() => decide(selected, false)}>
            {text('group.declineSelected')}
          </Button>
          <Button disabled={attempt.busy} onClick={() => decide(selected, true)} data-testid={testIds.approveSelected}>
            {text('group.approveSelected', { count: selected.length })}
          </Button>
        </footer>
      ) : null}
    </>
  );
}
