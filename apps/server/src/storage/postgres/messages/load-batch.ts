import { ConversationKind, MessageKind } from '@fastim/protocol';
import type { AppendAction, AppendRequest, NodeNumber } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { bigintArray, bytesArray, integerArray } from '../connection/binary-arrays.ts';
import type { Queries, Value } from '../connection/queries.ts';
import { storedId } from '../connection/stored-values.ts';
import { REQUIRE_FENCE } from '../fence.ts';
import { kindOf } from './append-outcome.ts';
import { seqFrom } from './append-posts.ts';
import { BatchMessage, BatchRows } from './batch-rows.ts';
import { MESSAGE_COLUMNS, type MessageRow, type StoredMessages } from './stored-message.ts';

type EventRequest = AppendRequest & { readonly action: Exclude<AppendAction, { type: 'post' }> };

const LOCK_CONVERSATIONS = `SELECT conversation_id, kind, head_seq, head_count_no, last_shown_seq, last_activity_ms,
    removals_seq
  FROM conversation WHERE conversation_id = ANY ($1::bigint[]) ORDER BY conversation_id FOR NO KEY UPDATE`;
const LOCK_MEMBERS = `SELECT m.conversation_id, m.user_id, m.join_seq, m.leave_seq, m.role, m.muted_until_ms
  FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation_id, user_id)) AS asked
  JOIN member m USING (conversation_id, user_id)
  ORDER BY m.conversation_id, m.user_id FOR NO KEY UPDATE OF m`;
// Statements of their own: one that had to wait for a lock sees other tables as they were before.
const GROUPS = 'SELECT conversation_id, mute_all FROM chat_group WHERE conversation_id = ANY ($1::bigint[])';
const PAIRS = `SELECT m.conversation_id, array_agg(m.user_id ORDER BY m.user_id)
  FROM conversation c JOIN member m USING (conversation_id)
  WHERE c.conversation_id = ANY ($1::bigint[]) AND c.kind = ${ConversationKind.direct} GROUP BY 1`;
const EARLIER = `SELECT m.conversation_id, m.sender_id, m.client_msg_id, m.msg_id, m.conv_seq, m.count_no,
    m.server_time_ms
  FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS asked (conversation_id, sender_id, client_msg_id)
  JOIN message m USING (conversation_id, sender_id, client_msg_id)`;
const TARGETS = `SELECT ${MESSAGE_COLUMNS}, m.conversation_id, s.edited_seq, s.recalled_seq, s.recalled_by,
    s.reactions_seq
  FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation_id, conv_seq)
  JOIN message m USING (conversation_id, conv_seq) LEFT JOIN message_state s USING (conversation_id, conv_seq)`;
const REACTIONS = `SELECT r.conversation_id, r.conv_seq, r.user_id, r.emoji
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS asked (conversation_id, conv_seq, user_id, emoji)
  JOIN reaction r USING (conversation_id, conv_seq, user_id, emoji)`;
const TALLIES = `SELECT t.conversation_id, t.conv_seq, t.emoji, t.first_seq, t.count
  FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation_id, conv_seq)) AS asked
  JOIN reaction_tally t USING (conversation_id, conv_seq)`;
const EDITS = `SELECT ${MESSAGE_COLUMNS}, e.conversation_id, e.target_seq
  FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation_id, target_seq)) AS asked
  JOIN message_event e USING (conversation_id, target_seq)
  JOIN message m ON m.conversation_id = e.conversation_id AND m.conv_seq = e.event_seq
  WHERE m.kind = ${MessageKind.edit}`;

/**
 * Locks what the batch touches, in the order that all follow, and reads all of it: in one packet to the database, whatever
 * the batch holds.
 */
export async function loadBatch(
  queries: Queries,
  stored: StoredMessages,
  batch: readonly AppendRequest[],
  numbers: readonly NodeNumber[],
): Promise<BatchRows> {
  const conversationIds = bigintArray(batch.length, (index) => storedId(batch[index]!.conversationId));
  const senderIds = bigintArray(batch.length, (index) => storedId(batch[index]!.senderId));
  const clientIds = bytesArray(batch.length, (index) => batch[index]!.clientMsgId);
  const events = batch.filter((request): request is EventRequest => request.action.type !== 'post');
  const reactions = events.filter(({ action }) => action.type === 'reaction');
  const recalls = events.filter(({ action }) => action.type === 'recall');
  const none: readonly never[] = [];
  const fence = numbers.length > 0 ? queries.arrays(REQUIRE_FENCE, fenceValues(numbers)) : none;
  const locked = [
    queries.arrays<ConversationRow>(LOCK_CONVERSATIONS, [conversationIds]),
    queries.arrays<MemberRow>(LOCK_MEMBERS, [conversationIds, senderIds]),
  ] as const;
  const read = [
    queries.arrays<readonly [bigint, boolean]>(GROUPS, [conversationIds]),
    queries.arrays<readonly [bigint, bigint[]]>(PAIRS, [conversationIds]),
    queries.arrays<EarlierRow>(EARLIER, [conversationIds, senderIds, clientIds]),
    events.length > 0 ? queries.arrays<TargetRow>(TARGETS, targetsOf(events)) : none,
    reactions.length > 0 ? queries.arrays<ReactionRow>(REACTIONS, reactionsOf(reactions)) : none,
    reactions.length > 0 ? queries.arrays<TallyRow>(TALLIES, targetsOf(reactions)) : none,
    recalls.length > 0 ? queries.arrays<EditRow>(EDITS, targetsOf(recalls)) : none,
  ] as const;
  const [, conversations, members, groups, pairs, earlier, targets, reacted, tallies, edits] = await Promise.all([
    fence,
    ...locked,
    ...read,
  ]);
  const rows = new BatchRows();
  const muteAll = new Map(groups);
  const pairOf = new Map(pairs);
  for (const [
    conversationId,
    kindNumber,
    headSeq,
    headCountNo,
    lastShownSeq,
    lastActivityMs,
    removals,
  ] of conversations) {
    const kind = kindOf(kindNumber);
    rows.conversations.set(conversationId, {
      conversationId,
      kind,
      headSeq: Number(headSeq),
      headCountNo: Number(headCountNo),
      lastShownSeq: Number(lastShownSeq),
      lastActivityMs: Number(lastActivityMs),
      removalsSeq: Number(removals),
      group: kind === ConversationKind.direct ? undefined : { muteAll: muteAll.get(conversationId) ?? false },
      memberIds: pairOf.get(conversationId) ?? [],
      members: new Map(),
    });
  }
  for (const [conversationId, userId, joinSeq, leaveSeq, role, mutedUntilMs] of members) {
    const member = {
      userId,
      joinSeq: Number(joinSeq),
      leaveSeq: Number(leaveSeq),
      role,
      mutedUntilMs: Number(mutedUntilMs),
    };
    rows.conversations.get(conversationId)?.members.set(userId, member);
  }
  for (const [conversationId, senderId, clientMsgId, msgId, convSeq, countNo, serverTimeMs] of earlier) {
    rows.addEarlier(conversationId, senderId, clientMsgId, {
      msgId,
      convSeq: Number(convSeq),
      countNo: Number(countNo),
      serverTimeMs: Number(serverTimeMs),
    });
  }
  for (const row of targets) addTarget(rows, stored, row);
  for (const [conversationId, convSeq, userId, emoji] of reacted) {
    rows.message({ conversationId }, Number(convSeq))?.hasReaction(userId, emoji);
  }
  for (const [conversationId, convSeq, emoji, firstSeq, count] of tallies) {
    const tally = { firstSeq: Number(firstSeq), count: Number(count) };
    rows.message({ conversationId }, Number(convSeq))?.tallies.set(emoji, tally);
  }
  for (const row of edits) addEdit(rows, stored, row);
  return rows;
}

export function fenceValues(numbers: readonly NodeNumber[]): Value[] {
  return [
    integerArray(numbers.length, (index) => numbers[index]!.number),
    bigintArray(numbers.length, (index) => numbers[index]!.fence),
  ];
}

function targetsOf(events: readonly EventRequest[]): Value[] {
  return [
    bigintArray(events.length, (index) => storedId(events[index]!.conversationId)),
    integerArray(events.length, (index) => seqFrom(events[index]!.action.targetSeq)),
  ];
}

function reactionsOf(events: readonly EventRequest[]): Value[] {
  return [
    ...targetsOf(events),
    bigintArray(events.length, (index) => storedId(events[index]!.senderId)),
    events.map(({ action }) => (action.type === 'reaction' ? action.emoji : '')),
  ];
}

/** A damaged one is left out: nothing can refer to it. */
function addTarget(rows: BatchRows, stored: StoredMessages, row: TargetRow): void {
  const [conversationId, editedSeq, recalledSeq, recalledBy, reactionsSeq] = row.slice(9) as unknown as StateColumns;
  const message = stored.read(conversationId, row as unknown as MessageRow);
  if (!message) return;
  const target = new BatchMessage(message, false);
  target.state.editedSeq = Number(editedSeq ?? 0);
  target.state.recalledSeq = Number(recalledSeq ?? 0);
  target.state.recalledBy = recalledBy ?? 0n;
  target.state.reactionsSeq = Number(reactionsSeq ?? 0);
  rows.add(target);
}

function addEdit(rows: BatchRows, stored: StoredMessages, row: EditRow): void {
  const [conversationId, targetSeq] = row.slice(9) as unknown as readonly [bigint, bigint];
  const message = stored.read(conversationId, row as unknown as MessageRow);
  if (!message) {
    throw new StorageError('corrupt', `edit ${row[0]} of conversation ${conversationId} is not what was written`);
  }
  const known = rows.message({ conversationId }, message.convSeq);
  const edit = known ?? new BatchMessage(message, false);
  if (!known) rows.add(edit);
  rows.message({ conversationId }, Number(targetSeq))?.edits.push(edit);
}

type ConversationRow = readonly [
  conversationId: bigint,
  kind: number,
  headSeq: bigint,
  headCountNo: bigint,
  lastShownSeq: bigint,
  lastActivityMs: bigint,
  removalsSeq: bigint,
];
type MemberRow = readonly [
  conversationId: bigint,
  userId: bigint,
  joinSeq: bigint,
  leaveSeq: bigint,
  role: number,
  mutedUntilMs: bigint,
];
type EarlierRow = readonly [
  conversationId: bigint,
  senderId: bigint,
  clientMsgId: Uint8Array,
  msgId: bigint,
  convSeq: bigint,
  countNo: bigint,
  serverTimeMs: bigint,
];
type StateColumns = readonly [
  conversationId: bigint,
  editedSeq: bigint | null,
  recalledSeq: bigint | null,
  recalledBy: bigint | null,
  reactionsSeq: bigint | null,
];
type TargetRow = readonly [...MessageRow, ...StateColumns];
type ReactionRow = readonly [conversationId: bigint, convSeq: bigint, userId: bigint, emoji: string];
type TallyRow = readonly [conversationId: bigint, convSeq: bigint, emoji: string, firstSeq: bigint, count: bigint];
type EditRow = readonly [...MessageRow, conversationId: bigint, targetSeq: bigint];
