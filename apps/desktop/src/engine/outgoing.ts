import { withoutArchive, withSettings } from './row-settings.ts';
import type { ConversationRow, OutgoingContent } from './store.ts';

/** Answers that say that this message will never be taken. Everything else is tried again. */
export const refusals: ReadonlySet<string> = new Set([
  'BAD_REQUEST',
  'FRAME_TOO_LARGE',
  'NOT_ALLOWED',
  'NOT_FOUND',
  'NOT_A_MEMBER',
  'MESSAGE_INVALID',
  'MESSAGE_TOO_LONG',
  'ID_REUSED',
  'MUTED',
  'GROUP_INVALID',
  'TARGET_INVALID',
  'TOO_LATE',
  'TOO_MANY',
]);

/** Writing ends the draft, and brings an archived conversation back. */
export function afterWriting(row: ConversationRow, endsDraft: boolean, nowMs: number): ConversationRow {
  const listed = withoutArchive(row, nowMs);
  if (!endsDraft || (row.draft === '' && row.settings.draft === '')) return listed;
  return withSettings({ ...listed, draft: '' }, { draft: '' });
}

export function isSameContent(a: OutgoingContent, b: OutgoingContent): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(content: OutgoingContent): unknown {
  return Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
}
