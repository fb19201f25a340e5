import { useRef, useState } from 'react';
import type { UserView } from '../../bridge/contract.ts';
import { Button, Spinner } from '../design/controls.tsx';
import { Modal, Problem } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './groups.module.css';
import { PeoplePicker } from './people-picker.tsx';
import { useAttempt, useChangeGroup } from './use-group-change.ts';

export function InviteDialog({ conversationId, onClose }: { conversationId: string; onClose(): void }) {
  const text = useText();
  const [picked, setPicked] = useState<readonly UserView[]>([]);
  const search = useRef<HTMLInputElement>(null);
  const change = useChangeGroup(conversationId);
  const attempt = useAttempt();

  const invite = async (): Promise<void> => {
    if (picked.length === 0) return;
    const userIds = picked.map(({ userId }) => userId);
    if (await attempt.run(() => change({ type: 'invite', userIds }))) onClose();
  };

  return (
    <Modal
      title={text('group.invite')}
      initialFocus={search}
      onClose={onClose}
      footer={
        <>
          <span className={styles.count} role="status">
            {picked.length > 0 ? text('group.pickedCount', { count: picked.length }) : ''}
          </span>
          <Button
            disabled={attempt.busy || picked.length === 0}
            onClick={() => void invite()}
            data-testid={testIds.inviteSubmit}
          >
            {attempt.busy ? <Spinner /> : null}
            {text('group.inviteSubmit')}
          </Button>
        </>
      }
    >
      <PeoplePicker
        picked={picked}
        onChange={setPicked}
        group={conversationId}
        input={search}
        onSubmit={() => void invite()}
      />
      {attempt.problem === null ? null : (
        <div className={styles.inset}>
          <Problem>{attempt.problem}</Problem>
        </div>
      )}
    </Modal>
  );
}
