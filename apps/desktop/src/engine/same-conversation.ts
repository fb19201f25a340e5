import type { ConversationRow } from './store.ts';

/** What of a row its view shows. */
const shown = [
  'headSeq',
  'headCountNo',
  'unreadBaseCountNo',
  'readSeq',
  'lastActivityMs',
  'peerDeliveredSeq',
  'peerReadSeq',
  'lastMessage',
  'draft',
  'leaveSeq',
  'mentionSeq',
  'role',
  'mutedUntilMs',
  'pendingJoins',
] as const satisfies ReadonlyArray<keyof ConversationRow>;

const deep = ['peer', 'group', 'settings', 'settingsPending'] as const satisfies ReadonlyArray<keyof ConversationRow>;

/** Whether nothing changed that a view shows. */
export function isSameConversation(a: ConversationRow, b: ConversationRow): boolean {
  return (
    shown.every((field) => a[field] === b[field]) &&
    deep.every((field) => a[field] === b[field] || JSON.stringify(a[field]) === JSON.stringify(b[field]))
  );
}
