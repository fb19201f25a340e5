import type { ConversationView } from '../../bridge/contract.ts';

/** Why nothing can be written here; null: it can. */
export type Closed = { reason: 'left' } | { reason: 'mute-all' } | { reason: 'muted'; untilMs: number };

/** A mute that has ended meanwhile is none, whatever the engine said when it told of the group. */
export function whyClosed({ group }: ConversationView, nowMs: number): Closed | null {
  if (!group) return null;
  if (group.left) return { reason: 'left' };
  if (group.can.write) return null;
  if (group.muteAll && group.myRole === 'member') return { reason: 'mute-all' };
  return group.mutedUntilMs > nowMs ? { reason: 'muted', untilMs: group.mutedUntilMs } : null;
}

export function mayWrite(conversation: ConversationView, nowMs: number): boolean {
  return whyClosed(conversation, nowMs) === null;
}
