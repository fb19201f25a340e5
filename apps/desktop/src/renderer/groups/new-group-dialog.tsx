import { useEffect, useRef, useState } from 'react';
import type { UserView } from '../../bridge/contract.ts';
import { Button, Spinner } from '../design/controls.tsx';
import { Modal, Problem } from '../design/dialog.tsx';
import { avatarColours } from '../design/tokens.ts';
import { useText } from '../i18n/use-text.ts';
import { applyConversations } from '../state/conversations-store.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { GroupForm } from './group-form.tsx';
import styles from './groups.module.css';
import { PeoplePicker } from './people-picker.tsx';
import { useAttempt, useCallKeys } from './use-group-change.ts';

/** First the people, then name and colour. Going back and forth loses nothing; one call makes the group. */
export default function NewGroupDialog({ onClose }: { onClose(): void }) {
  const ui = useUi();
  const text = useText();
  const [step, setStep] = useState<'people' | 'name'>('people');
  const [picked, setPicked] = useState<readonly UserView[]>([]);
  const [name, setName] = useState('');
  const [colour, setColour] = useState(() => Math.floor(ui.surroundings.now() / 1000) % avatarColours.length);
  const search = useRef<HTMLInputElement>(null);
  const nameInput = useRef<HTMLInputElement>(null);
  const attempt = useAttempt();
  const withKey = useCallKeys();
  const title = name.trim();

  // The other step took the focus with it. Not before the dialog has looked where it went.
  useEffect(() => {
    const timer = setTimeout(() => (step === 'name' ? nameInput : search).current?.focus(), 0);
    return () => clearTimeout(timer);
  }, [step]);

  const goToName = (): void => {
    setStep('name');
  };

  const create = (): void => {
    if (title === '') {
      nameInput.current?.focus();
      return;
    }
    const call = { name: title, avatarColor: colour, userIds: picked.map(({ userId }) => userId) };
    void attempt.run(async () => {
      const made = await withKey(call, (key) => ui.link.call('groups.create', { ...call, key }));
      applyConversations(ui.conversations, [made]);
      onClose();
      await openConversation(ui, made.conversationId);
    });
  };

  if (step === 'people') {
    return (
      <Modal
        title={text('group.newTitle')}
        testId={testIds.newGroupDialog}
        initialFocus={search}
        onClose={onClose}
        footer={
          <>
            <span className={styles.count} role="status">
              {picked.length > 0 ? text('group.pickedCount', { count: picked.length }) : ''}
            </span>
            <Button onClick={goToName} data-testid={testIds.nextStep}>
              {text(picked.length === 0 ? 'group.skip' : 'group.next')}
            </Button>
          </>
        }
      >
        <PeoplePicker picked={picked} onChange={setPicked} input={search} onSubmit={goToName} />
      </Modal>
    );
  }
  return (
    <Modal
      title={text('group.nameTitle')}
      testId={testIds.newGroupDialog}
      initialFocus={nameInput}
      onBack={() => setStep('people')}
      onClose={onClose}
      footer={
        <Button disabled={attempt.busy || title === ''} onClick={create} data-testid={testIds.createGroup}>
          {attempt.busy ? <Spinner /> : null}
          {text('group.create')}
        </Button>
      }
    >
      <div className={styles.scroll}>
        <GroupForm
          name={name}
          colour={colour}
          input={nameInput}
          onName={setName}
          onColour={setColour}
          onSubmit={create}
        />
        <p className={styles.hint}>{text('group.withPeople', { count: picked.length + 1 })}</p>
        {attempt.problem === null ? null : (
          <div className={styles.inset}>
            <Problem>{attempt.problem}</Problem>
          </div>
        )}
      </div>
    </Modal>
  );
}
