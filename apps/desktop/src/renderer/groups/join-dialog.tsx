import { CircleCheck, Link2Off, UsersRound } from 'lucide-react';
import { type FormEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react';
import type { LinkPageView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { Avatar, Button, Spinner } from '../design/controls.tsx';
import { Modal, Problem } from '../design/dialog.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { applyConversations } from '../state/conversations-store.ts';
import { openConversation } from '../state/open-conversation.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import formStyles from './group-form.module.css';
import styles from './join-dialog.module.css';
import { joinTokenIn } from './join-link.ts';
import { useAttempt, useCallKeys } from './use-group-change.ts';

/** The page that an invite link leads to, shown before anything is done. An empty link asks for one first. */
export default function JoinDialog({ link, onClose }: { link: string; onClose(): void }) {
  const text = useText();
  const [entered, setEntered] = useState(link);
  const input = useRef<HTMLInputElement>(null);
  return (
    <Modal title={text('join.title')} {...(entered === '' ? { initialFocus: input } : {})} onClose={onClose}>
      {entered === '' ? (
        <LinkForm input={input} onSubmit={setEntered} />
      ) : (
        <LinkPage link={entered} onAnother={() => setEntered('')} onClose={onClose} />
      )}
    </Modal>
  );
}

function LinkForm({
  input,
  onSubmit,
}: {
  input: React.RefObject<HTMLInputElement | null>;
  onSubmit(link: string): void;
}) {
  const text = useText();
  const [value, setValue] = useState('');
  const [wrong, setWrong] = useState(false);
  const id = useId();
  const errorId = useId();

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (joinTokenIn(value) === null) {
      setWrong(true);
      input.current?.focus();
    } else onSubmit(value.trim());
  };

  return (
    <form className={formStyles.form} onSubmit={submit} data-testid={testIds.joinPage} data-state="asking">
      <label htmlFor={id}>{text('join.link')}</label>
      <input
        ref={input}
        id={id}
        type="url"
        inputMode="url"
        className={formStyles.field}
        placeholder="https://chat.example.org/join/…"
        autoComplete="off"
        spellCheck={false}
        maxLength={512}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? errorId : undefined}
        value={value}
        onChange={(event) => {
          setValue(event.target.value);
          setWrong(false);
        }}
        data-testid={testIds.joinLinkInput}
      />
      {wrong ? (
        <div id={errorId} className={styles.wrong}>
          <Problem>{text('join.notALink')}</Problem>
        </div>
      ) : null}
      <Button type="submit" className={styles.wide} disabled={value.trim() === ''} data-testid={testIds.joinSubmit}>
        {text('join.look')}
      </Button>
    </form>
  );
}

type State = { at: 'loading' } | { at: 'page'; page: LinkPageView } | { at: 'failed'; reason: string };

function LinkPage({ link, onAnother, onClose }: { link: string; onAnother(): void; onClose(): void }) {
  const ui = useUi();
  const text = useText();
  const [state, setState] = useState<State>({ at: 'loading' });
  const attempt = useAttempt();
  const withKey = useCallKeys();

  const look = useCallback((): (() => void) => {
    let current = true;
    setState({ at: 'loading' });
    ui.link.call('groups.lookAtLink', { link }).then(
      (page) => current && setState({ at: 'page', page }),
      (error: unknown) => current && setState({ at: 'failed', reason: failureOf(error).reason }),
    );
    return () => {
      current = false;
    };
  }, [ui, link]);

  useEffect(look, [look]);

  if (state.at === 'loading') {
    return (
      <div className={styles.page} aria-busy="true">
        <Spinner />
      </div>
    );
  }
  if (state.at === 'failed') {
    const invalid = state.reason === 'LINK_INVALID' || state.reason === 'BAD_REQUEST' || state.reason === 'NOT_FOUND';
    return (
      <div
        className={styles.page}
        role="alert"
        data-testid={testIds.joinPage}
        data-state={invalid ? 'invalid' : 'failed'}
      >
        <Link2Off size={48} strokeWidth={1.25} aria-hidden="true" />
        <h3>{text(invalid ? 'join.invalidTitle' : 'join.failedTitle')}</h3>
        <p>{invalid ? text('join.invalidText') : errorWords(text, state.reason)}</p>
        <div className={styles.actions}>
          <Button kind="quiet" onClick={invalid ? onAnother : look}>
            {text(invalid ? 'join.another' : 'app.retry')}
          </Button>
          <Button autoFocus onClick={onClose} data-testid={testIds.joinClose}>
            {text('app.close')}
          </Button>
        </div>
      </div>
    );
  }

  const { page } = state;
  const open = async (): Promise<void> => {
    onClose();
    await openConversation(ui, page.conversationId);
  };
  const join = (): void =>
    void attempt.run(async () => {
      const { token } = page;
      const joined = await withKey(token, (key) => ui.link.call('groups.join', { token, key })).catch(
        (error: unknown) => {
          // Joined meanwhile, here or on another device.
          if (failureOf(error).reason !== 'ALREADY_MEMBER') throw error;
          setState({ at: 'page', page: { ...page, member: true } });
          return undefined;
        },
      );
      if (joined === undefined) return;
      if (joined === null) {
        setState({ at: 'page', page: { ...page, requested: true } });
        return;
      }
      applyConversations(ui.conversations, [joined]);
      onClose();
      await openConversation(ui, joined.conversationId);
    });

  return (
    <GroupPage page={page}>
      {attempt.problem === null ? null : <Problem>{attempt.problem}</Problem>}
      {page.member ? (
        <>
          <p className={styles.done}>
            <CircleCheck size={18} aria-hidden="true" /> {text('join.member')}
          </p>
          <Button autoFocus className={styles.wide} onClick={() => void open()} data-testid={testIds.joinOpen}>
            {text('join.open')}
          </Button>
        </>
      ) : page.requested ? (
        <>
          <p className={styles.done} role="status">
            <CircleCheck size={18} aria-hidden="true" /> {text('join.requested')}
          </p>
          <Button autoFocus className={styles.wide} onClick={onClose} data-testid={testIds.joinClose}>
            {text('app.close')}
          </Button>
        </>
      ) : (
        <Button
          autoFocus
          className={styles.wide}
          disabled={attempt.busy}
          onClick={join}
          data-testid={testIds.joinSubmit}
        >
          {attempt.busy ? <Spinner /> : null}
          {text(page.joinApproval ? 'join.request' : 'join.join')}
        </Button>
      )}
    </GroupPage>
  );
}

function GroupPage({ page, children }: { page: LinkPageView; children: ReactNode }) {
  const text = useText();
  const state = page.member ? 'member' : page.requested ? 'requested' : 'ready';
  return (
    <div className={styles.page} data-testid={testIds.joinPage} data-state={state}>
      <Avatar id={page.conversationId} name={page.name} colour={page.avatarColor} size={88} />
      <h3>
        <bdi>{oneLine(page.name, 128)}</bdi>
      </h3>
      <p className={styles.members}>
        <UsersRound size={16} aria-hidden="true" /> {text('group.memberCount', { count: page.memberCount })}
      </p>
      {page.inviterName === '' ? null : <p>{text('join.invitedBy', { name: oneLine(page.inviterName, 64) })}</p>}
      {page.joinApproval && !page.member && !page.requested ? (
        <p className={styles.approval}>{text('join.approval')}</p>
      ) : null}
      {children}
    </div>
  );
}
