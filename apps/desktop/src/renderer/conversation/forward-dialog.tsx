import { Check, Search } from 'lucide-react';
import { type KeyboardEvent, useMemo, useRef, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { Button, join } from '../design/controls.tsx';
import { Modal } from '../design/dialog.tsx';
import { ConversationAvatar } from '../groups/conversation-avatar.tsx';
import { useText } from '../i18n/use-text.ts';
import { forward } from '../state/message-actions.ts';
import { useConversations, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { mayWrite } from './may-write.ts';
import styles from './message-dialogs.module.css';
import { oneLine } from './safe-text.ts';
import { fold } from './use-search.ts';

const mostTargets = 9;
const mostShown = 60;

/** Where to forward to: the newest conversations first, as many as one call takes. */
export default function ForwardDialog(props: { conversationId: string; convSeqs: readonly number[]; onClose(): void }) {
  const { conversationId, convSeqs, onClose } = props;
  const ui = useUi();
  const text = useText();
  const byId = useConversations((state) => state.byId);
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [active, setActive] = useState(0);
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const wanted = fold(query);
  const full = chosen.length >= mostTargets;

  const targets = useMemo(() => {
    const now = ui.surroundings.now();
    return [...byId.values()]
      .filter((one) => mayWrite(one, now))
      .filter(({ title, peer }) => fold(title).includes(wanted) || fold(peer?.username ?? '').includes(wanted))
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs)
      .slice(0, mostShown);
  }, [ui, byId, wanted]);

  const toggle = (id: string): void => {
    if (chosen.includes(id)) setChosen(chosen.filter((one) => one !== id));
    else if (!full) setChosen([...chosen, id]);
  };

  const send = async (): Promise<void> => {
    setBusy(true);
    await forward(ui, conversationId, convSeqs, chosen);
    onClose();
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = Math.max(0, Math.min(targets.length - 1, active + (event.key === 'ArrowDown' ? 1 : -1)));
      setActive(next);
      list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const target = targets[active];
      if ((event.ctrlKey || event.metaKey || !target) && chosen.length > 0) void send();
      else if (target) toggle(target.conversationId);
    }
  };

  return (
    <Modal
      title={text('message.forwardTitle', { count: convSeqs.length })}
      testId={testIds.forwardDialog}
      initialFocus={input}
      onClose={onClose}
      footer={
        <>
          <span className={styles.hint} role="status">
            {full ? text('message.forwardMost', { most: mostTargets }) : null}
          </span>
          <Button disabled={chosen.length === 0 || busy} onClick={() => void send()} data-testid={testIds.forwardSend}>
            {text('message.forwardSend', { count: chosen.length })}
          </Button>
        </>
      }
    >
      <div className={styles.search}>
        <Search size={16} aria-hidden="true" />
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-expanded
          aria-controls="forward-targets"
          aria-autocomplete="list"
          aria-activedescendant={targets[active] ? `forward-target-${active}` : undefined}
          aria-label={text('message.forwardSearch')}
          placeholder={text('message.forwardSearch')}
          autoComplete="off"
          spellCheck={false}
          maxLength={128}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
          data-testid={testIds.forwardSearch}
        />
      </div>
      <div
        ref={list}
        id="forward-targets"
        role="listbox"
        tabIndex={-1}
        aria-multiselectable
        aria-label={text('message.forwardSearch')}
        className={styles.list}
      >
        {targets.map((one, index) => (
          <Target
            key={one.conversationId}
            id={`forward-target-${index}`}
            conversation={one}
            active={index === active}
            chosen={chosen.includes(one.conversationId)}
            disabled={full}
            onToggle={toggle}
          />
        ))}
        {targets.length === 0 ? (
          <p className={styles.nothing}>{text('message.forwardNothing', { query: oneLine(query, 40) })}</p>
        ) : null}
      </div>
    </Modal>
  );
}

function Target(props: {
  id: string;
  conversation: ConversationView;
  active: boolean;
  chosen: boolean;
  disabled: boolean;
  onToggle(id: string): void;
}) {
  const { id, conversation, active, chosen, disabled, onToggle } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={chosen}
      aria-disabled={(disabled && !chosen) || undefined}
      className={styles.row}
      data-active={active || undefined}
      onClick={() => onToggle(conversation.conversationId)}
      data-testid={testIds.forwardTarget}
      data-conversation-id={conversation.conversationId}
    >
      <ConversationAvatar conversation={conversation} size={36} />
      <bdi className={styles.name}>{oneLine(conversation.title, 64)}</bdi>
      <span className={join(styles.box, chosen && styles.checked)}>
        <Check size={14} strokeWidth={3} aria-hidden="true" />
      </span>
    </div>
  );
}
