import { SendHorizontal } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { modifierName } from '../shell/platform-keys.ts';
import { isTouch } from '../shell/use-layout.ts';
import { sendMessage } from '../state/send-message.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './composer.module.css';
import { useGrowing } from './use-growing.ts';

/** The wire's limit, in bytes of UTF-8. */
export const maxTextBytes = 16 * 1024;
/** From here on the bytes that are left are shown. */
const warnBelow = 1024;

/**
 * The textarea belongs to the browser: React never writes into it while someone types, so an input method is never
 * disturbed, and what is sent is what the textarea holds at that moment. Mounted anew (by key) per conversation.
 */
export function Composer({ conversation }: { conversation: ConversationView }) {
  const ui = useUi();
  const text = useText();
  const { conversationId, title } = conversation;
  const sendKey = useApp((state) => state.settings.sendKey);
  const input = useRef<HTMLTextAreaElement>(null);
  const [bytes, setBytes] = useState(0);
  const [empty, setEmpty] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const grow = useGrowing(input);

  const note = useCallback(() => {
    const value = input.current?.value ?? '';
    setEmpty(value.trim() === '');
    // Only a text that could be too long is worth counting.
    setBytes(value.length * 3 > maxTextBytes - warnBelow ? new TextEncoder().encode(value).length : 0);
    grow();
  }, [grow]);

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

  const send = async (): Promise<void> => {
    const element = input.current;
    const value = element?.value.trim() ?? '';
    if (!element || value === '') return;
    if (new TextEncoder().encode(value).length > maxTextBytes) {
      note();
      element.focus();
      return;
    }
    element.value = '';
    setProblem(null);
    note();
    element.focus({ preventScroll: true });
    try {
      await sendMessage(ui, conversationId, value);
    } catch (error) {
      // Nothing was queued: the text goes back, before what was typed since.
      const saved = ui.conversations.getState().byId.get(conversationId)?.draft ?? '';
      const since = input.current?.value ?? ui.drafts.latest(conversationId) ?? saved;
      const kept = since === '' ? value : `${value}\n${since}`;
      if (input.current) input.current.value = kept;
      ui.drafts.changed(conversationId, kept);
      setProblem(errorWords(text, failureOf(error).reason));
      note();
    }
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    // Enter that ends a composition belongs to the input method, whichever way the browser tells it.
    if (event.nativeEvent.isComposing || event.nativeEvent.keyCode === 229) return;
    if (event.key !== 'Enter' || event.altKey) return;
    const modified = event.ctrlKey || event.metaKey;
    const sends = sendKey === 'enter' ? !event.shiftKey && !modified : modified && !event.shiftKey;
    if (!sends) return;
    event.preventDefault();
    if (!event.repeat) void send();
  };

  const over = bytes - maxTextBytes;
  const left = -over;
  const hint = text(sendKey === 'enter' ? 'composer.hintEnter' : 'composer.hintCtrlEnter', { key: modifierName() });

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
        <div className={styles.line}>
          <textarea
            ref={input}
            className={styles.input}
            rows={1}
            defaultValue={ui.drafts.latest(conversationId) ?? conversation.draft}
            placeholder={text('composer.placeholder')}
            aria-label={text('composer.label', { title })}
            aria-invalid={over > 0 || undefined}
            title={isTouch() ? undefined : hint}
            enterKeyHint={sendKey === 'enter' ? 'send' : 'enter'}
            autoComplete="off"
            dir="auto"
            onInput={(event) => {
              ui.drafts.changed(conversationId, event.currentTarget.value);
              if (problem !== null) setProblem(null);
              note();
            }}
            onBlur={() => ui.drafts.flush()}
            onKeyDown={onKeyDown}
            data-testid={testIds.composerInput}
          />
          <button
            type="submit"
            className={styles.send}
            disabled={empty || over > 0}
            aria-label={text('composer.send')}
            title={text('composer.send')}
            // The keyboard of a phone stays open.
            onPointerDown={(event) => event.preventDefault()}
            data-testid={testIds.sendButton}
          >
            <SendHorizontal size={20} aria-hidden="true" />
          </button>
        </div>
      </div>
    </form>
  );
}

function Notice({ over, left, problem }: { over: number; left: number; problem: string | null }) {
  const text = useText();
  const words =
    over > 0
      ? text('composer.tooLong', { over })
      : problem !== null
        ? text('composer.sendFailed', { words: problem })
        : null;
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
