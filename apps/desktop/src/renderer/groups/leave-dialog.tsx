import { useRef, useState } from 'react';
import type { ConversationView, GroupView, MemberView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { Avatar, Button, join, Spinner } from '../design/controls.tsx';
import { Confirm, Modal, Problem, type Question } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { useApp } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './groups.module.css';
import { useAttempt, useChangeGroup } from './use-group-change.ts';
import { useMembers } from './use-members.ts';
import { nameOf } from './use-people.ts';

type Props = { conversation: ConversationView & { group: GroupView }; onClose(): void };

/** Asks before leaving. An owner gives the group to somebody else first, right here. */
export function LeaveDialog({ conversation, onClose }: Props) {
  const { conversationId, title, group } = conversation;
  const text = useText();
  const change = useChangeGroup(conversationId);
  // Decided once: having given the group away on the way out does not ask again.
  const [question] = useState<Question | null>(() =>
    group.myRole === 'owner' && group.memberCount > 1
      ? null
      : {
          title: text('group.leaveTitle', { title: oneLine(title, 64) }),
          text: text('group.leaveText'),
          action: text('group.leave'),
          danger: true,
          run: () => change({ type: 'leave' }),
        },
  );
  if (question === null) return <HandOver conversation={conversation} onClose={onClose} />;
  return <Confirm question={question} onClose={onClose} />;
}

function HandOver({ conversation, onClose }: Props) {
  const { conversationId, group } = conversation;
  const text = useText();
  const me = useApp((state) => state.account?.user.userId ?? '');
  const [query, setQuery] = useState('');
  const [heir, setHeir] = useState<MemberView | null>(null);
  const { rows, state, hasMore, loadMore } = useMembers(conversationId, query);
  const search = useRef<HTMLInputElement>(null);
  const change = useChangeGroup(conversationId);
  const attempt = useAttempt();
  const others = rows.filter(({ user }) => user.userId !== me);

  const leave = async (): Promise<void> => {
    if (heir === null) return;
    const { userId } = heir.user;
    const done = await attempt.run(async () => {
      // The second step failed the last time: the first one is done.
      if (group.ownerId !== userId) await change({ type: 'transfer', userId });
      await change({ type: 'leave' });
    });
    if (done) onClose();
  };

  return (
    <Modal
      title={text('group.handOverTitle')}
      initialFocus={search}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text('app.cancel')}
          </Button>
          <Button
            kind="danger"
            disabled={heir === null || attempt.busy}
            onClick={() => void leave()}
            data-testid={testIds.confirm}
          >
            {attempt.busy ? <Spinner /> : null}
            {text('group.handOver')}
          </Button>
        </>
      }
    >
      <p className={styles.hint}>{text('group.handOverText')}</p>
      <input
        ref={search}
        type="search"
        className={styles.search}
        aria-label={text('group.searchMembers')}
        placeholder={text('group.searchMembers')}
        autoComplete="off"
        maxLength={128}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
        data-testid={testIds.memberSearch}
      />
      <div
        className={styles.heirs}
        role="radiogroup"
        aria-label={text('group.members')}
        onScroll={(event) => {
          const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
          if (scrollHeight - scrollTop - clientHeight < 400) loadMore();
        }}
      >
        {others.map((member) => (
          <label
            key={member.user.userId}
            className={join(styles.heir, heir?.user.userId === member.user.userId && styles.on)}
          >
            <Avatar id={member.user.userId} name={nameOf(member.user)} size={36} />
            <span className={styles.names}>
              <bdi>{oneLine(nameOf(member.user), 64)}</bdi>
              <span>@{member.user.username}</span>
            </span>
            <input
              type="radio"
              name="heir"
              aria-label={nameOf(member.user)}
              checked={heir?.user.userId === member.user.userId}
              onChange={() => setHeir(member)}
              data-user-id={member.user.userId}
            />
          </label>
        ))}
        <p className={styles.note} role="status">
          {state === 'loading' || hasMore ? (
            <Spinner />
          ) : others.length === 0 ? (
            text('group.nobodyFound', { query: oneLine(query, 40) })
          ) : null}
        </p>
      </div>
      {attempt.problem === null ? null : (
        <div className={styles.inset}>
          <Problem>{attempt.problem}</Problem>
        </div>
      )}
    </Modal>
  );
}
