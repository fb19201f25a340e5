import { X } from 'lucide-react';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import type { ConversationView, GroupView } from '../../bridge/contract.ts';
import { IconButton } from '../design/controls.tsx';
import { Confirm, Problem, type Question } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { useConversation } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { AnnouncementSection } from './announcement-section.tsx';
import { EditGroupDialog } from './edit-group-dialog.tsx';
import { GroupHero } from './group-hero.tsx';
import { GroupOptions } from './group-options.tsx';
import styles from './group-panel.module.css';
import { InviteDialog } from './invite-dialog.tsx';
import { InviteLinks } from './invite-links.tsx';
import { JoinRequests } from './join-requests.tsx';
import { LeaveDialog } from './leave-dialog.tsx';
import { MemberList } from './member-list.tsx';
import { PanelHead } from './panel-head.tsx';
import { useAttempt, useChangeGroup } from './use-group-change.ts';

type Group = ConversationView & { group: GroupView };
type Page = 'group' | 'links' | 'requests';
type PanelDialog = 'edit' | 'announce' | 'invite' | 'leave';

/** Everything about a group. What may be changed is shown by the rights of the member; the server decides. */
export default function GroupPanel({ conversationId, onClose }: { conversationId: string; onClose(): void }) {
  const conversation = useConversation(conversationId);
  const { group } = conversation ?? {};
  if (!conversation || !group) return null;
  return <Panel key={conversationId} conversation={{ ...conversation, group }} onClose={onClose} />;
}

function Panel({ conversation, onClose }: { conversation: Group; onClose(): void }) {
  const { conversationId, group } = conversation;
  const [page, setPage] = useState<Page>('group');
  const back = () => setPage('group');
  // A right that is gone takes its page along.
  const allowed =
    page === 'group' || (page === 'links' ? group.can.invite : group.can.manage) ? page : ('group' as const);
  const panel = useRef<HTMLDivElement>(null);
  const stepBack = useEffectEvent(() => (allowed === 'group' ? onClose() : back()));
  useEffect(() => {
    /** One step back, before the app's own Escape leaves the conversation; what lies over the panel comes first. */
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing) return;
      const inside = panel.current?.contains(document.activeElement) ?? false;
      const popups = [...document.querySelectorAll('[role="dialog"], [role="alertdialog"], [role="menu"]')];
      const covered = popups.some((popup) => !popup.contains(panel.current));
      if (covered || (!inside && allowed === 'group')) return;
      event.preventDefault();
      stepBack();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [allowed]);
  return (
    <div className={styles.panel} data-testid={testIds.groupPanel} data-page={allowed} ref={panel}>
      {allowed === 'links' ? (
        <InviteLinks conversationId={conversationId} onBack={back} onClose={onClose} />
      ) : allowed === 'requests' ? (
        <JoinRequests conversationId={conversationId} pending={group.pendingJoins} onBack={back} onClose={onClose} />
      ) : (
        <GroupPage conversation={conversation} onPage={setPage} onClose={onClose} />
      )}
    </div>
  );
}

function GroupPage(props: { conversation: Group; onPage(page: Page): void; onClose(): void }) {
  const { conversation, onPage, onClose } = props;
  const { conversationId, title, group } = conversation;
  const text = useText();
  const [dialog, setDialog] = useState<PanelDialog | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const change = useChangeGroup(conversationId);
  const { problem, run, clear } = useAttempt();
  const closeDialog = () => setDialog(null);

  useEffect(() => {
    if (problem === null) return undefined;
    const timer = setTimeout(clear, 8000);
    return () => clearTimeout(timer);
  }, [problem, clear]);

  return (
    <>
      <PanelHead title={text('group.info')} onClose={onClose} />
      <div ref={scroller} className={styles.scroller}>
        <div>
          <GroupHero conversation={conversation} onEdit={() => setDialog('edit')} onLeave={() => setDialog('leave')} />
          {group.left ? (
            <p className={styles.former}>{text('group.former')}</p>
          ) : (
            <>
              <AnnouncementSection group={group} onEdit={() => setDialog('announce')} />
              <GroupOptions
                group={group}
                onInvite={() => setDialog('invite')}
                onLinks={() => onPage('links')}
                onRequests={() => onPage('requests')}
                onChange={(wanted) => run(() => change(wanted))}
              />
              <MemberList
                conversationId={conversationId}
                title={title}
                group={group}
                scroller={scroller}
                change={change}
                attempt={(action) => void run(action)}
                ask={setQuestion}
              />
            </>
          )}
        </div>
      </div>
      {problem === null ? null : (
        <div className={styles.problem}>
          <Problem>{problem}</Problem>
          <IconButton label={text('app.close')} onClick={clear}>
            <X size={16} aria-hidden="true" />
          </IconButton>
        </div>
      )}
      <Confirm question={question} onClose={() => setQuestion(null)} />
      {dialog === 'edit' || dialog === 'announce' ? (
        <EditGroupDialog conversation={conversation} what={dialog} onClose={closeDialog} />
      ) : null}
      {dialog === 'invite' ? <InviteDialog conversationId={conversationId} onClose={closeDialog} /> : null}
      {dialog === 'leave' ? <LeaveDialog conversation={conversation} onClose={closeDialog} /> : null}
    </>
  );
}
