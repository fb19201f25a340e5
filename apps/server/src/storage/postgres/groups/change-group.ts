import { MEMBER, OWNER } from '@fastim/core';
import { ConversationKind, GroupChange, NoticeAction } from '@fastim/protocol';
import type { GroupChangeRequest, GroupOutcome, NewGroup } from '../../group-store.ts';
import { StorageError } from '../../storage.ts';
import type { Queries } from '../connection/queries.ts';
import { type ChangePlan, decideChange } from './decide-change.ts';
import {
  asMembers,
  changeGroupRow,
  countRequests,
  dropRequests,
  enterMembers,
  exitMembers,
  giveRoles,
  type LockedGroup,
  lockGroup,
  lockMembers,
  muteMembers,
  waitingOf,
} from './group-rows.ts';
import { type Author, earlierNotice, repeated, tell } from './notices.ts';

/**
 * One change of a group, inside the caller's transaction: rights, rows, notice. Everything that can refuse comes before
 * the first write, and is decided by rows that are locked. What does not wait for an answer goes out in one packet.
 */
export async function changeGroup(queries: Queries, request: GroupChangeRequest): Promise<GroupOutcome> {
  const { conversationId, actorId, clientMsgId, msgId, change, userIds, nowMs } = request;
  // Whoever comes in is not waiting any more, and the admins see that.
  const isAboutRequests = change === GroupChange.invite || change === GroupChange.decide;
  const [group, earlier, present, waiting] = await Promise.all([
    lockGroup(queries, conversationId),
    earlierNotice(queries, conversationId, actorId, clientMsgId),
    lockMembers(queries, conversationId, [actorId, ...userIds], isAboutRequests),
    isAboutRequests ? waitingOf(queries, conversationId, userIds) : new Set<bigint>(),
  ]);
  if (!group) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
  if (earlier) return repeated(group, earlier);
  const decision = decideChange(request, { group, actor: present.get(actorId), present, waiting });
  if (decision.decision === 'refused') return { outcome: 'refused', reason: decision.reason };
  if (decision.decision === 'unchanged') return { outcome: 'unchanged', conversationId, adminIds: [] };
  if (decision.decision === 'turn-down') {
    const dropped = await dropRequests(queries, conversationId, decision.userIds);
    const adminIds = await countRequests(queries, conversationId, -dropped, nowMs);
    return { outcome: 'unchanged', conversationId, adminIds };
  }
  const asked = decision.plan.enter.filter((userId) => waiting.has(userId));
  return await carryOut(queries, group, { senderId: actorId, clientMsgId, msgId, nowMs }, decision.plan, asked);
}

/** `asked`: of those who enter, those whose requests to join wait; then the rows of owner and admins are locked. */
export async function carryOut(
  queries: Queries,
  group: LockedGroup,
  author: Author,
  { notice, set, enter, exit, roles, mute }: ChangePlan,
  asked: readonly bigint[],
): Promise<GroupOutcome> {
  const { conversationId } = group;
  const { nowMs } = author;
  const writes: Promise<unknown>[] = [changeGroupRow(queries, conversationId, set, enter.length - exit.length)];
  if (enter.length > 0) writes.push(enterMembers(queries, group, asMembers(enter), nowMs));
  if (asked.length > 0) {
    writes.push(dropRequests(queries, conversationId, asked));
    writes.push(countRequests(queries, conversationId, -asked.length, nowMs));
  }
  if (exit.length > 0) writes.push(exitMembers(queries, group, exit, nowMs));
  if (roles.size > 0) writes.push(giveRoles(queries, conversationId, roles, nowMs));
  if (mute) writes.push(muteMembers(queries, conversationId, mute, nowMs));
  const [outcome] = await Promise.all([
    tell(queries, group, author, notice, { added: enter, removed: exit }),
    ...writes,
  ]);
  return outcome;
}

const noteCreation = `INSERT INTO group_creation (creator_id, client_msg_id, conversation_id) VALUES ($1, $2, $3)
   ON CONFLICT (creator_id, client_msg_id) DO NOTHING`;
const findCreation = 'SELECT conversation_id FROM group_creation WHERE creator_id = $1 AND client_msg_id = $2';
const addConversation = `INSERT INTO conversation (conversation_id, kind, head_seq, head_count_no, last_activity_ms, created_ms)
   VALUES ($1, ${ConversationKind.group}, 0, 0, $2, $2)`;
const addGroup = `INSERT INTO chat_group (conversation_id, name, avatar_color, announcement, owner_id, member_count, mute_all,
                           join_approval, pending_joins)
   VALUES ($1, $2, $3, '', $4, $5, false, false, 0)`;

/**
 * Makes a group with its first members and its first notice, inside the caller's transaction. The row that says which
 * group was made under this id comes first: whoever asks with the same id at once waits for it.
 */
export async function createGroup(queries: Queries, request: NewGroup): Promise<GroupOutcome> {
  const { creatorId, clientMsgId, conversationId, msgId, name, avatarColor, memberIds, nowMs } = request;
  if ((await queries.run(noteCreation, [creatorId, clientMsgId, conversationId])) === 0) {
    return await createdBefore(queries, request);
  }
  const others = memberIds.filter((userId) => userId !== creatorId);
  const group = { conversationId, headSeq: 0, headCountNo: 0, removalsSeq: 0 };
  const notice = { action: NoticeAction.created, userIds: others, text: name, number: avatarColor };
  const author = { senderId: creatorId, clientMsgId, msgId, nowMs };
  const [, , , outcome] = await Promise.all([
    queries.run(addConversation, [conversationId, nowMs]),
    queries.run(addGroup, [conversationId, name, avatarColor, creatorId, 1 + others.length]),
    enterMembers(queries, group, new Map([[creatorId, OWNER], ...asMembers(others, MEMBER)]), nowMs),
    tell(queries, group, author, notice, { added: [creatorId, ...others], removed: [] }),
  ]);
  return outcome;
}

async function createdBefore(queries: Queries, { creatorId, clientMsgId }: NewGroup): Promise<GroupOutcome> {
  const [row] = await queries.arrays<readonly [conversationId: bigint]>(findCreation, [creatorId, clientMsgId]);
  const conversationId = row![0];
  const [group, earlier] = await Promise.all([
    lockGroup(queries, conversationId),
    earlierNotice(queries, conversationId, creatorId, clientMsgId),
  ]);
  if (!group || !earlier) throw new StorageError('corrupt', `group ${conversationId} was made and is not there`);
  return repeated(group, earlier);
}
