import { Check, SendHorizontal } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useId, useRef, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { Confirm, type Question } from '../design/dialog.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { modifierName } from '../shell/platform-keys.ts';
import { isTouch } from '../shell/use-layout.ts';
import { useNow } from '../shell/use-now.ts';
import { lastEditable } from '../state/message-actions.ts';
import { sendMessage } from '../state/send-message.ts';
import { useApp, useUi, useWork } from '../state/ui-context.tsx';
import { endEdit, endReply, startEdit, startReply } from '../state/work-store.ts';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';
import { ComposerClosed, EditBar, MentionList, ReplyBar } from './composer-bars.tsx';
import { EmojiButton } from './emoji-button.tsx';
import { whyClosed } from './may-write.ts';
import { mentionsIn } from './mentions.ts';
import { replaceRange, setText } from './text-input.ts';
import { useEditing } from './use-editing.ts';
import { useGrowing } from './use-growing.ts';
import { recogniseMentions, useMentionPicker } from './use-mention-picker.ts';
import { useTypingTell } from './use-typing-tell.ts';

/** The wire's limit, in bytes of UTF-8. */
export const maxTextBytes = 16 * 1024;
/** From here on the bytes that are left are shown. */
const warnBelow = 1024;
/** Mutes end by the minute. */
const lookEveryMs = 15_000;

/** Where one writes; or why one cannot. */
export function Composer({ conversation }: { conversation: ConversationView }) {
  const now = useNow(lookEveryMs, conversation.group?.can.write === false);
  const closed = whyClosed(conversation, now);
  return closed ? (
    <ComposerClosed conversation={conversation} closed={closed} />
  ) : (
    <Writer conversation={conversation} />
  );
}

/**
 * The textarea belongs to the browser: React never writes into it while someone types, so an input method is never
 * disturbed, and what is sent is what the textarea holds at that moment. Mounted anew (by key) per conversation.
 */
function Writer({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const { conversationId, title, group } = conversation;
  const sendKey = useApp((state) => state.settings.sendKey);
  const reply = useWork((state) => state.replies.get(conversationId));
  const refill = useWork((state) => (state.refill?.conversationId === conversationId ? state.refill : null));
  const input = useRef<HTMLTextAreaElement>(null);
  // Another default would change a box in which nothing was typed yet.
  const [first] = useState(() => ui.drafts.latest(conversationId) ?? conversation.draft);
  const [bytes, setBytes] = useState(0);
  const [empty, setEmpty] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const listId = useId();
  const isGroup = group !== null;
  const grow = useGrowing(input);
  const tellTyping = useTypingTell(conversationId);
  const picker = useMentionPicker(conversation, input);

  const note = useCallback(() => {
    const value = input.current?.value ?? '';
    setEmpty(value.trim() === '');
    // Only a text that could be too long is worth counting.
    setBytes(value.length * 3 > maxTextBytes - warnBelow ? new TextEncoder().encode(value).length : 0);
    grow();
  }, [grow]);

  const { editing, save } = useEditing({ conversation, input, note, onProblem: setProblem });

  useEffect(() => {
    if (!isTouch()) input.current?.focus({ preventScroll: true });
    const end = input.current?.value.length ?? 0;
    input.current?.setSelectionRange(end, end);
    note();
    const { drafts } = ui;
    const flush = () => drafts.flush();
    window.addEventListener('pagehide', flush);
    document.addEventListener('visibilitychange', flush);
    return () => {
      window.removeEventListener('pagehide', flush);
      document.removeEventListener('visibilitychange', flush);
      drafts.flush();
    };
  }, [ui, note]);

  useEffect(() => {
    const value = input.current?.value ?? '';
    if (isGroup && value.includes('@')) void recogniseMentions(ui, conversationId, value);
  }, [ui, conversationId, isGroup]);

  // A draft from another device or window appears where nobody is writing.
  const { draft } = conversation;
  useEffect(() => {
    const element = input.current;
    const inUse = document.activeElement === element && ui.surroundings.watched();
    if (!element || inUse || ui.drafts.latest(conversationId) !== undefined) return;
    if (ui.work.getState().edits.has(conversationId) || element.value === draft) return;
    setText(element, draft);
    note();
  }, [ui, conversationId, draft, note]);

  // To answer is to write.
  const answering = reply?.key;
  useEffect(() => {
    if (answering !== undefined) input.current?.focus({ preventScroll: true });
  }, [answering]);

  const { insert } = picker;
  useEffect(() => {
    const element = input.current;
    if (!refill || !element) return;
    ui.work.setState({ refill: null });
    if (refill.kind === 'mention') {
      insert(refill.named);
      return;
    }
    const before = element.value.trim() === '' ? '' : `${element.value}\n`;
    replaceRange(element, 0, element.value.length, before + refill.text);
  }, [ui, refill, insert]);

  const send = async (sure = false): Promise<void> => {
    const element = input.current;
    const value = element?.value.trim() ?? '';
    if (!element || value === '') return;
    if (new TextEncoder().encode(value).length > maxTextBytes) {
      note();
      element.focus();
      return;
    }
    const said = group ? mentionsIn(value, ui.named.get(conversationId) ?? []) : { mentions: [], mentionAll: false };
    const mentionAll = said.mentionAll && (group?.can.mentionAll ?? false);
    if (mentionAll && !sure) {
      setQuestion({
        title: text('composer.mentionAllTitle'),
        text: text('composer.mentionAllText', { count: group?.memberCount ?? 0 }),
        action: text('composer.send'),
        run: () => send(true),
      });
      return;
    }
    setProblem(null);
    if (editing) {
      await save(value, said.mentions, mentionAll);
      return;
    }
    setText(element, '');
    tellTyping('');
    picker.close();
    note();
    element.focus({ preventScroll: true });
    endReply(ui.work, conversationId);
    try {
      await sendMessage(ui, conversationId, value, {
        mentions: said.mentions,
        mentionAll,
        replyTo: reply?.convSeq ?? undefined,
      });
      if (input.current?.value === '') ui.named.delete(conversationId);
    } catch (error) {
      // Nothing was queued: the text goes back, before what was typed since.
      const saved = ui.conversations.getState().byId.get(conversationId)?.draft ?? '';
      const since = input.current?.value ?? ui.drafts.latest(conversationId) ?? saved;
      const kept = since === '' ? value : `${value}\n${since}`;
      if (input.current) input.current.value = kept;
      ui.drafts.changed(conversationId, kept);
      if (reply && !ui.work.getState().replies.has(conversationId)) startReply(ui.work, reply);
      setProblem(text('composer.sendFailed', { words: errorWords(text, failureOf(error).reason) }));
      note();
    }
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // Enter that ends a composition belongs to the input method, whichever way the browser tells it.
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    if (picker.onKeyDown(event)) return;
    const modified = event.ctrlKey || event.metaKey;
    if (event.key === 'Escape' && (editing || reply)) {
      event.preventDefault();
      event.stopPropagation();
      if (editing) endEdit(ui.work, conversationId);
      else endReply(ui.work, conversationId);
      return;
    }
    if (event.key === 'ArrowUp' && !modified && !event.altKey && !event.shiftKey && event.currentTarget.value === '') {
      const last = editing ? undefined : lastEditable(ui, conversationId);
      if (last) {
        event.preventDefault();
        startEdit(ui.work, last);
      }
      return;
    }
    if (event.key !== 'Enter' || event.altKey) return;
    const sends = sendKey === 'enter' ? !event.shiftKey && !modified : modified && !event.shiftKey;
    if (!sends) return;
    event.preventDefault();
    if (!event.repeat) void send();
  };

  const over = bytes - maxTextBytes;
  const left = -over;
  const hint = text(sendKey === 'enter' ? 'composer.hintEnter' : 'composer.hintCtrlEnter', { key: modifierName() });
  const listed = picker.options.length > 0;

  return (
    <form
      className={styles.composer}
      data-testid={testIds.composer}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div className={styles.column}>
        <Notice over={over} left={bytes === 0 ? Number.POSITIVE_INFINITY : left} problem={problem} />
        <MentionList id={listId} picker={picker} />
        {editing ? (
          <EditBar message={editing} onEnd={() => endEdit(ui.work, conversationId)} />
        ) : reply ? (
          <ReplyBar message={reply} title={title} onEnd={() => endReply(ui.work, conversationId)} />
        ) : null}
        <div className={styles.line}>
          <div className={styles.field}>
            <textarea
              ref={input}
              className={styles.input}
              rows={1}
              defaultValue={first}
              placeholder={text('composer.placeholder')}
              aria-label={text('composer.label', { title })}
              aria-invalid={over > 0 || undefined}
              aria-autocomplete={group ? 'list' : undefined}
              aria-controls={listed ? listId : undefined}
              aria-activedescendant={listed ? `${listId}-${picker.active}` : undefined}
              title={isTouch() ? undefined : hint}
              enterKeyHint={sendKey === 'enter' ? 'send' : 'enter'}
              autoComplete="off"
              dir="auto"
              onInput={(event) => {
                const { value } = event.currentTarget;
                if (!editing) {
                  ui.drafts.changed(conversationId, value);
                  tellTyping(value);
                }
                if (problem !== null) setProblem(null);
                note();
                picker.look();
              }}
              onSelect={picker.look}
              onBlur={() => {
                ui.drafts.flush();
                picker.close();
              }}
              onKeyDown={onKeyDown}
              data-testid={testIds.composerInput}
            />
            <EmojiButton
              onPick={(emoji) => {
                const element = input.current;
                if (element) replaceRange(element, element.selectionStart, element.selectionEnd, emoji);
              }}
            />
          </div>
          <button
            type="submit"
            className={styles.send}
            disabled={empty || over > 0}
            aria-label={text(editing ? 'composer.saveEdit' : 'composer.send')}
            title={text(editing ? 'composer.saveEdit' : 'composer.send')}
            // The keyboard of a phone stays open.
            onPointerDown={(event) => event.preventDefault()}
            data-testid={testIds.sendButton}
          >
            {editing ? <Check size={20} aria-hidden="true" /> : <SendHorizontal size={20} aria-hidden="true" />}
          </button>
        </div>
      </div>
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </form>
  );
}

function Notice({ over, left, problem }: { over: number; left: number; problem: string | null }) {
  const text = useText();
  const words = over > 0 ? text('composer.tooLong', { over }) : problem;
  return (
    <div className={styles['notice-place']}>
      <p role="alert" className={words === null ? undefined : styles.problem}>
        {words}
      </p>
      {words === null && left < warnBelow ? (
        <p className={styles.left}>{text('composer.bytesLeft', { left })}</p>
      ) : null}
    </div>
  );
}
