import { Link, UserRoundCheck, UserRoundPlus } from 'lucide-react';
import type { ReactNode } from 'react';
import type { GroupView } from '../../bridge/contract.ts';
import { SwitchRow } from '../design/switch-row.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './group-panel.module.css';
import type { GroupChange } from './use-group-change.ts';

const icon = { size: 18, 'aria-hidden': true } as const;

/** What a member with the right can do with the group as a whole. */
export function GroupOptions(props: {
  group: GroupView;
  onInvite(): void;
  onLinks(): void;
  onRequests(): void;
  onChange(change: GroupChange): Promise<boolean>;
}) {
  const { group, onInvite, onLinks, onRequests, onChange } = props;
  const text = useText();
  const { can, pendingJoins } = group;
  if (!can.invite && !can.manage) return null;
  return (
    <section className={styles.section}>
      {can.invite ? (
        <>
          <Option icon={<UserRoundPlus {...icon} />} onClick={onInvite} testId={testIds.invitePeople}>
            {text('group.invite')}
          </Option>
          <Option icon={<Link {...icon} />} onClick={onLinks} testId={testIds.openLinks}>
            {text('group.links')}
          </Option>
        </>
      ) : null}
      {can.manage && (group.joinApproval || pendingJoins > 0) ? (
        <Option icon={<UserRoundCheck {...icon} />} onClick={onRequests} testId={testIds.openRequests}>
          {text('group.requests')}
          {pendingJoins > 0 ? (
            <span className={styles.badge}>
              <span aria-hidden="true">{pendingJoins > 99 ? '99+' : pendingJoins}</span>
              <span className="visually-hidden">{text('group.requestsWaiting', { count: pendingJoins })}</span>
            </span>
          ) : null}
        </Option>
      ) : null}
      {can.manage ? (
        <>
          <SwitchRow
            label={text('group.muteAll')}
            checked={group.muteAll}
            onChange={(on) => void onChange({ type: 'muteAll', on })}
            testId={testIds.muteAll}
          />
          <SwitchRow
            label={text('group.approval')}
            checked={group.joinApproval}
            onChange={(on) => void onChange({ type: 'approval', on })}
            testId={testIds.joinApproval}
          />
        </>
      ) : null}
    </section>
  );
}

function Option(props: { icon: ReactNode; testId: string; children: ReactNode; onClick(): void }) {
  return (
    <button type="button" className={styles.option} onClick={props.onClick} data-testid={props.testId}>
      {props.icon}
      {props.children}
    </button>
  );
}
