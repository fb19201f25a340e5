import { useRef, useState } from 'react';
import type { ConversationView, GroupView } from '../../bridge/contract.ts';
import { Button, Spinner } from '../design/controls.tsx';
import { Modal, Problem } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import formStyles from './group-form.module.css';
import { GroupForm } from './group-form.tsx';
import styles from './groups.module.css';
import { useAttempt, useChangeGroup } from './use-group-change.ts';

/** UTF-16 units, as the server counts them. */
const longestAnnouncement = 2000;

/** Name and colour, or the announcement. Saved is only what was changed. */
export function EditGroupDialog(props: {
  conversation: ConversationView & { group: GroupView };
  what: 'edit' | 'announce';
  onClose(): void;
}) {
  const { conversation, what, onClose } = props;
  const { conversationId, title, group } = conversation;
  const text = useText();
  const change = useChangeGroup(conversationId);
  const attempt = useAttempt();
  const [name, setName] = useState(title);
  const [colour, setColour] = useState(group.avatarColor);
  const [announcement, setAnnouncement] = useState(group.announcement);
  const input = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const editing = what === 'edit';

  const save = async (): Promise<void> => {
    const done = await attempt.run(async () => {
      if (!editing) {
        if (announcement.trim() !== group.announcement) await change({ type: 'announce', text: announcement.trim() });
        return;
      }
      if (name.trim() !== title) await change({ type: 'rename', name: name.trim() });
      if (colour !== group.avatarColor) await change({ type: 'color', avatarColor: colour });
    });
    if (done) onClose();
  };

  return (
    <Modal
      title={text(editing ? 'group.edit' : 'group.editAnnouncement')}
      initialFocus={editing ? input : area}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            {text('app.cancel')}
          </Button>
          <Button
            disabled={attempt.busy || (editing && name.trim() === '')}
            onClick={() => void save()}
            data-testid={editing ? testIds.saveGroup : testIds.saveAnnouncement}
          >
            {attempt.busy ? <Spinner /> : null}
            {text('group.save')}
          </Button>
        </>
      }
    >
      <div className={styles.scroll}>
        {editing ? (
          <GroupForm
            name={name}
            colour={colour}
            input={input}
            onName={setName}
            onColour={setColour}
            onSubmit={() => name.trim() !== '' && void save()}
          />
        ) : (
          <div className={formStyles.form}>
            <textarea
              ref={area}
              className={formStyles.field}
              aria-label={text('group.announcement')}
              placeholder={text('group.announcementHint')}
              maxLength={longestAnnouncement}
              value={announcement}
              onChange={(event) => setAnnouncement(event.target.value)}
              data-testid={testIds.announcementInput}
            />
            <span className={formStyles.counter}>
              {announcement.length} / {longestAnnouncement}
            </span>
          </div>
        )}
        {attempt.problem === null ? null : (
          <div className={styles.inset}>
            <Problem>{attempt.problem}</Problem>
          </div>
        )}
      </div>
    </Modal>
  );
}
