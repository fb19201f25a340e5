import type { ReplyView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-quote.module.css';
import { plainWords } from './plain-words.ts';

/** The message that is answered: a button that leads to it, as long as there is one. */
export function MessageQuote({ reply, onOpen }: { reply: ReplyView; onOpen(): void }) {
  const text = useText();
  if (reply.state === 'recalled' || reply.state === 'hidden') {
    return (
      <div className={styles.gone} data-testid={testIds.messageQuote} data-state={reply.state}>
        {text(reply.state === 'recalled' ? 'message.replyRecalled' : 'message.replyHidden')}
      </div>
    );
  }
  const name = reply.senderName.slice(0, 64);
  return (
    <button
      type="button"
      tabIndex={-1}
      className={styles.quote}
      aria-label={reply.state === 'shown' ? text('message.goToOriginal', { name }) : text('message.replyMissing')}
      onClick={onOpen}
      data-testid={testIds.messageQuote}
      data-state={reply.state}
    >
      {reply.state === 'shown' ? (
        <>
          <bdi className={styles.name}>{name}</bdi>
          <span className={styles.words}>{plainWords(reply.text, 160)}</span>
        </>
      ) : (
        <span className={styles.words}>{text('message.replyMissing')}</span>
      )}
    </button>
  );
}
