import type { MessageStatus } from '../../bridge/contract.ts';
import type { MessageId } from '../i18n/messages-en.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-tick.module.css';

export const statusWords: Readonly<Record<MessageStatus, MessageId>> = {
  sending: 'status.sending',
  stored: 'status.stored',
  delivered: 'status.delivered',
  read: 'status.read',
  failed: 'status.failed',
};

const one = 'M2.6 6.4 5.4 9.2 11.8 2.8';
const two = 'M0.7 6.4 3.5 9.2 9.9 2.8M6.9 8.5 7.6 9.2 14 2.8';

/** clock → ✓ → ✓✓ → ✓✓ in the accent; ! when it was not sent. The words are the name and the tooltip. */
export function MessageTick({ status, decorative = false }: { status: MessageStatus; decorative?: boolean }) {
  const text = useText();
  const words = text(statusWords[status]);
  const name = decorative ? { 'aria-hidden': true } : { role: 'img', 'aria-label': words };
  return (
    <span {...name} title={words} className={styles.tick} data-testid={testIds.messageTick} data-status={status}>
      <svg width="15" height="12" viewBox="0 0 15 12" aria-hidden="true" focusable="false">
        {status === 'sending' ? (
          <>
            <circle cx="7.5" cy="6" r="4.6" />
            <path d="M7.5 3.4V6l1.8 1.1" />
          </>
        ) : status === 'failed' ? (
          <>
            <circle cx="7.5" cy="6" r="5.2" className={styles.disc} />
            <path d="M7.5 3.2v3.2M7.5 8.6v.1" className={styles.mark} />
          </>
        ) : (
          <path d={status === 'stored' ? one : two} />
        )}
      </svg>
    </span>
  );
}
