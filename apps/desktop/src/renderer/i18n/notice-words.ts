/** What somebody did to a group, as one line: in the conversation and in the preview of the list. */
import type { IntlShape } from 'react-intl';
import type { NameView, NoticeView } from '../../bridge/contract.ts';
import { clockTime, dayNumber } from './dates.ts';
import { isForever } from './forever.ts';
import type { MessageId } from './messages-en.ts';
import type { Text } from './use-text.ts';

const namesShown = 3;
const announcementShown = 200;

/** `atMs`: when it happened. `me`: my user id. */
export function noticeWords(intl: IntlShape, text: Text, notice: NoticeView, me: string, atMs: number): string {
  return text(wordsOf(notice, atMs), {
    actor: notice.actorIsMe ? text('notice.actorMe') : notice.actor.name.slice(0, 64),
    users: userNames(intl, text, notice.users, me),
    text: notice.text.replace(/\s+/gu, ' ').trim().slice(0, announcementShown),
    time: notice.kind === 'muted' ? muteEnd(intl, notice.number, atMs) : '',
  });
}

function wordsOf({ kind, text, number }: NoticeView, atMs: number): MessageId {
  switch (kind) {
    case 'announced':
      return text.trim() === '' ? 'notice.announcedNothing' : 'notice.announced';
    case 'role':
      return number >= 2 ? 'notice.roleAdmin' : 'notice.roleMember';
    case 'muted':
      if (number === 0) return 'notice.unmuted';
      return isForever(number, atMs) ? 'notice.muted' : 'notice.mutedUntil';
    case 'all-muted':
      return number > 0 ? 'notice.allMuted' : 'notice.allUnmuted';
    case 'approval':
      return number > 0 ? 'notice.approvalOn' : 'notice.approvalOff';
    default:
      return plain[kind];
  }
}

const plain = {
  created: 'notice.created',
  renamed: 'notice.renamed',
  colored: 'notice.colored',
  invited: 'notice.invited',
  removed: 'notice.removed',
  left: 'notice.left',
  transferred: 'notice.transferred',
  approved: 'notice.approved',
  joined: 'notice.joined',
  other: 'notice.other',
} as const satisfies Record<string, MessageId>;

function userNames(intl: IntlShape, text: Text, users: readonly NameView[], me: string): string {
  // Who reads it stands first.
  const ordered = [...users].sort((a, b) => Number(b.userId === me) - Number(a.userId === me));
  const shown = ordered.length > namesShown + 1 ? ordered.slice(0, namesShown) : ordered;
  const names = shown.map(({ userId, name }) => (userId === me ? text('notice.you') : name.slice(0, 64)));
  const rest = ordered.length - shown.length;
  if (rest > 0) names.push(text('notice.more', { count: rest }));
  return intl.formatList(names, { type: 'conjunction' });
}

function muteEnd(intl: IntlShape, untilMs: number, atMs: number): string {
  if (dayNumber(untilMs) === dayNumber(atMs)) return clockTime(intl, untilMs);
  return intl.formatDate(untilMs, {
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}
