import { useIntl } from 'react-intl';
import type { MessageView } from '../../bridge/contract.ts';
import { clockTime } from '../i18n/dates.ts';
import { noticeWords } from '../i18n/notice-words.ts';
import { useText } from '../i18n/use-text.ts';
import { recalledWords } from './message-notice.tsx';
import { statusWords } from './message-tick.tsx';
import { plainWords } from './plain-words.ts';

/** What a screen reader says of a row: sender, text, time and status in one string. */
export function useRowLabel(message: MessageView, peerName: string, me: string): string {
  const intl = useIntl();
  const text = useText();
  const { kind, mine, reply, notice } = message;
  const time = clockTime(intl, message.timeMs);
  if (message.recalled) return `${recalledWords(text, message)}, ${time}`;
  if (kind === 'notice') {
    return `${notice ? noticeWords(intl, text, notice, me, message.timeMs) : text('notice.other')}, ${time}`;
  }
  const parts = [
    reply?.state === 'shown' ? text('message.replyTo', { name: reply.senderName.slice(0, 64) }) : null,
    kind === 'unsupported' ? text('chat.unsupported') : plainWords(message.text, 500),
    message.edited ? text('message.edited') : null,
    message.reactions.length > 0
      ? text('message.rowReactions', { count: message.reactions.reduce((sum, { count }) => sum + count, 0) })
      : null,
  ];
  const spoken = parts.filter((part) => part !== null).join(', ');
  return mine
    ? text('chat.rowLabelMine', { text: spoken, time, status: text(statusWords[message.status]) })
    : text('chat.rowLabel', { sender: message.senderName.slice(0, 64) || peerName, text: spoken, time });
}
