import { ConversationKind } from '@fastim/protocol';

/** For who left: up to the notice of it, and never what came after. */
export const HEAD = 'CASE WHEN m.leave_seq > 0 THEN m.leave_seq ELSE c.head_seq END';
export const ACTIVITY = 'CASE WHEN m.leave_seq > 0 THEN m.left_ms ELSE c.last_activity_ms END';

/** The other member of a direct conversation. In the key, so that of a group no member is read. */
export const PEER = `LEFT JOIN member p
  ON p.conversation_id = CASE WHEN c.kind = ${ConversationKind.direct} THEN m.conversation_id END
 AND p.user_id <> m.user_id`;

/** user_id 0: everybody. */
const NEWEST_MENTION = (mentioned: string) => `coalesce((
    SELECT max(x.conv_seq) FROM mention x
    WHERE x.conversation_id = m.conversation_id AND x.user_id = ${mentioned} AND x.sender_id <> m.user_id
      AND x.conv_seq > greatest(m.read_seq, m.join_seq - 1) AND x.conv_seq <= ${HEAD}), 0)`;

/** A group says to who left what it said when he did. */
const OF_GROUP = (column: string) => `CASE WHEN m.leave_seq > 0 THEN f.${column} ELSE g.${column} END`;

/** One row of a member's list: conversation, own membership, the group, and in a direct conversation the other member. */
export const STATE = `
  SELECT c.conversation_id AS "conversationId", c.kind AS kind, ${HEAD} AS "headSeq",
         CASE WHEN m.leave_seq > 0 THEN m.leave_count_no ELSE c.head_count_no END AS "headCountNo",
         ${ACTIVITY} AS "lastActivityMs",
         -- The notice of leaving is the last thing that is shown to who left.
         CASE WHEN m.leave_seq > 0 THEN m.leave_seq ELSE c.last_shown_seq END AS "lastShownSeq",
         m.join_seq AS "joinSeq", m.leave_seq AS "leaveSeq", m.read_seq AS "readSeq",
         -- count_no never falls along conv_seq, so the highest of the three belongs to the highest conv_seq.
         greatest(m.read_count_no, m.join_count_no, m.own_count_no) AS "baseCountNo",
         m.role AS role, m.muted_until_ms AS "mutedUntilMs", m.version AS version,
         m.silent_until_ms AS "silentUntilMs", m.pinned_ms AS "pinnedMs", m.archived AS archived,
         m.marked_unread AS "markedUnread", m.hidden_version AS "hiddenVersion", d.draft AS draft,
         p.user_id AS "peerId", p.delivered_seq AS "peerDeliveredSeq", p.read_seq AS "peerReadSeq",
         p.read_count_no AS "peerReadCountNo", u.username AS "peerUsername", u.display_name AS "peerDisplayName",
         ${OF_GROUP('name')} AS "groupName", ${OF_GROUP('avatar_color')} AS "avatarColor",
         ${OF_GROUP('announcement')} AS announcement, ${OF_GROUP('owner_id')} AS "ownerId",
         ${OF_GROUP('member_count')} AS "memberCount", ${OF_GROUP('mute_all')} AS "muteAll",
         ${OF_GROUP('join_approval')} AS "joinApproval",
         CASE WHEN m.leave_seq > 0 THEN 0 ELSE g.pending_joins END AS "pendingJoins",
         greatest(${NEWEST_MENTION('m.user_id')}, ${NEWEST_MENTION('0')}) AS "mentionSeq"
  FROM asked
  JOIN member m ON m.conversation_id = asked.conversation_id AND m.user_id = $1::bigint
  JOIN conversation c ON c.conversation_id = m.conversation_id
  ${PEER}
  LEFT JOIN chat_user u ON u.user_id = p.user_id
  LEFT JOIN draft d ON d.conversation_id = m.conversation_id AND d.user_id = m.user_id
  LEFT JOIN chat_group g ON g.conversation_id = c.conversation_id
  LEFT JOIN former_group f ON f.conversation_id = m.conversation_id AND f.user_id = m.user_id`;

/** A row of STATE. */
export interface StateRow {
  readonly conversationId: bigint;
  readonly kind: number;
  readonly headSeq: bigint;
  readonly headCountNo: bigint;
  readonly lastActivityMs: bigint;
  readonly lastShownSeq: bigint;
  readonly joinSeq: bigint;
  readonly leaveSeq: bigint;
  readonly readSeq: bigint;
  readonly baseCountNo: bigint;
  readonly role: number;
  readonly mutedUntilMs: bigint;
  readonly version: bigint;
  readonly silentUntilMs: bigint;
  readonly pinnedMs: bigint;
  readonly archived: boolean;
  readonly markedUnread: boolean;
  readonly hiddenVersion: bigint;
  readonly draft: Uint8Array | null;
  readonly peerId: bigint | null;
  readonly peerDeliveredSeq: bigint | null;
  readonly peerReadSeq: bigint | null;
  readonly peerReadCountNo: bigint | null;
  readonly peerUsername: string | null;
  readonly peerDisplayName: string | null;
  readonly groupName: string | null;
  readonly avatarColor: bigint | null;
  readonly announcement: Uint8Array | null;
  readonly ownerId: bigint | null;
  readonly memberCount: bigint | null;
  readonly muteAll: boolean | null;
  readonly joinApproval: boolean | null;
  readonly pendingJoins: bigint | null;
  readonly mentionSeq: bigint;
}
