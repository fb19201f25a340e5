import { ConversationKind } from '@fastim/protocol';

/** For who left: up to the notice of it, and never what came after. */
export const HEAD = 'iif(m.leave_seq > 0, m.leave_seq, c.head_seq)';
export const ACTIVITY = 'iif(m.leave_seq > 0, m.left_ms, c.last_activity_ms)';

/** One row of a member's list: conversation, own membership, and in a direct conversation the other member. */
export const STATE = `
  SELECT c.conversation_id AS conversationId, c.conversation_no AS conversationNo, c.kind AS kind,
         ${HEAD} AS headSeq, iif(m.leave_seq > 0, m.leave_count_no, c.head_count_no) AS headCountNo,
         ${ACTIVITY} AS lastActivityMs,
         -- The notice of leaving is the last thing that is shown to who left.
         iif(m.leave_seq > 0, m.leave_seq, c.last_shown_seq) AS lastShownSeq,
         m.join_seq AS joinSeq, m.leave_seq AS leaveSeq, m.read_seq AS readSeq,
         -- count_no never falls along conv_seq, so the highest of the three belongs to the highest conv_seq.
         max(m.read_count_no, m.join_count_no, m.own_count_no) AS baseCountNo,
         m.role AS role, m.muted_until_ms AS mutedUntilMs, m.version AS version,
         m.silent_until_ms AS silentUntilMs, m.pinned_ms AS pinnedMs, m.archived AS archived,
         m.marked_unread AS markedUnread, m.hidden_version AS hiddenVersion, d.draft AS draft,
         p.user_id AS peerId, p.delivered_seq AS peerDeliveredSeq, p.read_seq AS peerReadSeq,
         p.read_count_no AS peerReadCountNo, u.username AS peerUsername, u.display_name AS peerDisplayName
  FROM member m
  JOIN conversation c ON c.conversation_no = m.conversation_no
  -- In the key, so that nothing is read for a group: as a condition of its own it would be asked of every member.
  LEFT JOIN member p ON p.conversation_no = iif(c.kind = ${ConversationKind.direct}, m.conversation_no, NULL)
                    AND p.user_id <> m.user_id
  LEFT JOIN user u ON u.user_id = p.user_id
  LEFT JOIN draft d ON d.conversation_no = m.conversation_no AND d.user_id = m.user_id`;

/** A row of STATE, read with safe integers. */
export interface StateRow {
  readonly conversationId: bigint;
  readonly conversationNo: bigint;
  readonly kind: bigint;
  readonly headSeq: bigint;
  readonly headCountNo: bigint;
  readonly lastActivityMs: bigint;
  readonly lastShownSeq: bigint;
  readonly joinSeq: bigint;
  readonly leaveSeq: bigint;
  readonly readSeq: bigint;
  readonly baseCountNo: bigint;
  readonly role: bigint;
  readonly mutedUntilMs: bigint;
  readonly version: bigint;
  readonly silentUntilMs: bigint;
  readonly pinnedMs: bigint;
  readonly archived: bigint;
  readonly markedUnread: bigint;
  readonly hiddenVersion: bigint;
  readonly draft: string | null;
  readonly peerId: bigint | null;
  readonly peerDeliveredSeq: bigint | null;
  readonly peerReadSeq: bigint | null;
  readonly peerReadCountNo: bigint | null;
  readonly peerUsername: string | null;
  readonly peerDisplayName: string | null;
}
