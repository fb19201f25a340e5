import { useIntl } from 'react-intl';
import type { MessageView } from '../../bridge/contract.ts';
import { noticeWords } from '../i18n/notice-words.ts';
import { type Text, useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-notice.module.css';

/** What somebody did to the group, or a message that was taken back: a grey line in the middle. */
export function MessageNotice({ message, me, onEditAgain }: { message: MessageView; me: string; onEditAgain(): void }) {
  const intl = useIntl();
  const text = useText();
  if (message.recalled) {
    return (
      <p className={styles.notice} data-testid={testIds.recalled}>
        <span>
          {recalledWords(text, message)}
          <EditAgain message={message} onEditAgain={onEditAgain} />
        </span>
      </p>
    );
  }
  const words = message.notice ? noticeWords(intl, text, message.notice, me, message.timeMs) : text('notice.other');
  return (
    <p className={styles.notice} data-testid={testIds.notice}>
      <span>{words}</span>
    </p>
  );
}

export function recalledWords(text: Text, message: MessageView): string {
  const { recalled, mine, senderId } = message;
  if (!recalled) return '';
  const name = recalled.by.name.slice(0, 64);
  const sender = message.senderName.slice(0, 64);
  if (recalled.mine) return mine ? text('message.recalledMine') : text('message.recalledByMe', { sender });
  return recalled.by.userId === senderId || sender === ''
    ? text('message.recalledTheirs', { name })
    : text('message.recalledOther', { name, sender });
}

/** The words come back into the composer, for five minutes. */
function EditAgain({ message, onEditAgain }: { message: MessageView; onEditAgain(): void }) {
  const text = useText();
  const until = message.recalled?.againUntilMs ?? 0;
  const possible = message.recalled?.again != null;
  const now = useNow(10_000, possible);
  if (!possible || until <= now) return null;
  return (
    <>
      {' · '}
      <button type="button" onClick={onEditAgain} data-testid={testIds.editAgain}>
        {text('message.editAgain')}
      </button>
    </>
  );
}
