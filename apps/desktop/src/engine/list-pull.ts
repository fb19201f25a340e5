import {
  Command,
  type ConversationState,
  MAX_SYNC_PAGE,
  type SyncMark,
  syncRequest,
  syncResponse,
} from '@fastim/protocol';
import type { ConnectionLink } from './connection-link.ts';

/** Asked for again with each sync: what was stored while the server's clock was read must not fall between two. */
const OVERLAP_MS = 10_000;

/**
 * The conversations in which something changed since then, newest activity first, page by page. `onPage` is waited for
 * before the next page is asked for. Returns the time to ask from next, and what the server says that there is.
 */
export async function pullList(
  link: ConnectionLink,
  sinceMs: number,
  timeoutMs: number,
  onPage: (states: readonly ConversationState[], page: { first: boolean; more: boolean }) => Promise<void>,
): Promise<{ sinceMs: number; mark: SyncMark }> {
  let before = { activityMs: 0, conversationId: 0n };
  let nextSinceMs: number | undefined;
  for (;;) {
    const request = {
      sinceMs: Math.max(0, sinceMs - OVERLAP_MS),
      beforeActivityMs: before.activityMs,
      beforeConversationId: before.conversationId,
      limit: MAX_SYNC_PAGE,
    };
    const answer = await link.request(Command.sync, syncRequest, request, syncResponse, timeoutMs);
    const first = nextSinceMs === undefined;
    nextSinceMs ??= answer.serverTimeMs;
    await onPage(answer.conversations, { first, more: answer.more });
    const last = answer.conversations.at(-1);
    if (!answer.more || !last) return { sinceMs: nextSinceMs, mark: answer.mark };
    before = { activityMs: last.lastActivityMs, conversationId: last.conversationId };
  }
}
