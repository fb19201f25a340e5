import { ADMIN, MEMBER, type MemberStanding, OWNER } from '@fastim/core';
import { ConversationKind } from '@fastim/protocol';
import type { Queries, Value } from '../connection/queries.ts';
import { readText, storedText } from '../connection/stored-values.ts';
import type { GroupColumns, GroupNow } from './decide-change.ts';

/** A group as it is under its conversation's lock. */
export interface LockedGroup extends GroupNow {
  readonly conversationId: bigint;
  readonly headSeq: number;
  readonly headCountNo: number;
  readonly removalsSeq: number;
}

type HeadRow = readonly [headSeq: bigint, headCountNo: bigint, removalsSeq: bigint];

type GroupRow = readonly [
  name: string,
  avatarColor: bigint,
  announcement: Uint8Array,
  memberCount: bigint,
  muteAll: boolean,
  joinApproval: boolean,
];

const lockHead = `SELECT head_seq, head_count_no, removals_seq FROM conversation
   WHERE conversation_id = $1 AND kind = ${ConversationKind.group} FOR NO KEY UPDATE`;
const readGroup = `SELECT name, avatar_color, announcement, member_count, mute_all, join_approval FROM chat_group
   WHERE conversation_id = $1`;

/**
 * The group with its conversation's row locked until the transaction ends; undefined when there is none. What it says of
 * itself is read by a statement of its own: one that had to wait for the lock would see it as it was before.
 */
export async function lockGroup(queries: Queries, conversationId: bigint): Promise<LockedGroup | undefined> {
  const [[head], [group]] = await Promise.all([
    queries.arrays<HeadRow>(lockHead, [conversationId]),
    queries.arrays<GroupRow>(readGroup, [conversationId]),
  ]);
  if (!head || !group) return undefined;
  const [headSeq, headCountNo, removalsSeq] = head;
  const [name, avatarColor, announcement, memberCount, muteAll, joinApproval] = group;
  return {
    conversationId,
    headSeq: Number(headSeq),
    headCountNo: Number(headCountNo),
    removalsSeq: Number(removalsSeq),
    name,
    avatarColor: Number(avatarColor),
    announcement: readText(announcement),
    memberCount: Number(memberCount),
    muteAll,
    joinApproval,
  };
}

const lockUsers = (more: string) =>
  `SELECT user_id, role, muted_until_ms FROM member
     WHERE conversation_id = $1 AND (user_id = ANY($2::bigint[])${more}) ORDER BY user_id FOR NO KEY UPDATE`;
const lockNamed = lockUsers('');
const lockNamedAndAdmins = lockUsers(` OR role IN (${ADMIN}, ${OWNER})`);

/**
 * The rows of these users locked, in the order that all follow, and of those who are in the group now how they stand.
 * `withAdmins`: also the rows of owner and admins, for a change of the number of requests to join.
 */
export async function lockMembers(
  queries: Queries,
  conversationId: bigint,
  userIds: readonly bigint[],
  withAdmins: boolean,
): Promise<Map<bigint, MemberStanding>> {
  const rows = await queries.arrays<readonly [userId: bigint, role: number, mutedUntilMs: bigint]>(
    withAdmins ? lockNamedAndAdmins : lockNamed,
    [conversationId, userIds],
  );
  const present = rows.filter(([, role]) => role > 0);
  return new Map(present.map(([userId, role, mutedUntilMs]) => [userId, { role, mutedUntilMs: Number(mutedUntilMs) }]));
}

const findWaiting = 'SELECT user_id FROM join_request WHERE conversation_id = $1 AND user_id = ANY($2::bigint[])';

/** Of these users, who asked to join and waits. */
export async function waitingOf(
  queries: Queries,
  conversationId: bigint,
  userIds: readonly bigint[],
): Promise<Set<bigint>> {
  const rows = await queries.arrays<readonly [userId: bigint]>(findWaiting, [conversationId, userIds]);
  return new Set(rows.map(([userId]) => userId));
}

const enter = `INSERT INTO member (conversation_id, user_id, role, join_seq, join_count_no, joined_ms, changed_ms)
   SELECT $1, user_id, role, $4, $5, $6, $6 FROM unnest($2::bigint[], $3::smallint[]) AS entering (user_id, role)
   ORDER BY user_id
   ON CONFLICT (conversation_id, user_id) DO UPDATE SET
     join_seq = excluded.join_seq, join_count_no = excluded.join_count_no, role = excluded.role,
     joined_ms = excluded.joined_ms, changed_ms = greatest(member.changed_ms, excluded.changed_ms),
     leave_seq = 0, leave_count_no = 0, left_ms = 0, version = member.version + 1`;
const thaw = 'DELETE FROM former_group WHERE conversation_id = $1 AND user_id = ANY($2::bigint[])';

/** They see from the next notice on. Whoever comes back keeps cursors and settings, and is muted as before. */
export async function enterMembers(
  queries: Queries,
  group: Pick<LockedGroup, 'conversationId' | 'headSeq' | 'headCountNo'>,
  members: ReadonlyMap<bigint, number>,
  nowMs: number,
): Promise<void> {
  const { conversationId, headSeq, headCountNo } = group;
  const userIds = [...members.keys()];
  await Promise.all([
    queries.run(enter, [conversationId, userIds, [...members.values()], headSeq + 1, headCountNo, nowMs]),
    queries.run(thaw, [conversationId, userIds]),
  ]);
}

const exit = `UPDATE member SET role = 0, leave_seq = $3, leave_count_no = $4, left_ms = $5, version = version + 1,
          changed_ms = greatest(changed_ms, $5)
   WHERE conversation_id = $1 AND user_id = ANY($2::bigint[])`;
const freeze = `INSERT INTO former_group (conversation_id, user_id, name, avatar_color, announcement, owner_id, member_count,
                             mute_all, join_approval)
   SELECT conversation_id, user_id, name, avatar_color, announcement, owner_id, member_count, mute_all, join_approval
   FROM chat_group, unnest($2::bigint[]) AS leaving (user_id) WHERE conversation_id = $1
   ON CONFLICT (conversation_id, user_id) DO UPDATE SET
     name = excluded.name, avatar_color = excluded.avatar_color, announcement = excluded.announcement,
     owner_id = excluded.owner_id, member_count = excluded.member_count, mute_all = excluded.mute_all,
     join_approval = excluded.join_approval`;
const revokeTheirLinks =
  'UPDATE group_link SET revoked = true WHERE conversation_id = $1 AND creator_id = ANY($2::bigint[]) AND NOT revoked';

/**
 * They see up to the next notice; what they wrote stays, the links they made do not. After the group's own row has changed:
 * they keep the group as it is without them.
 */
export async function exitMembers(
  queries: Queries,
  { conversationId, headSeq, headCountNo }: LockedGroup,
  userIds: readonly bigint[],
  nowMs: number,
): Promise<void> {
  await Promise.all([
    queries.run(exit, [conversationId, userIds, headSeq + 1, headCountNo, nowMs]),
    queries.run(freeze, [conversationId, userIds]),
    queries.run(revokeTheirLinks, [conversationId, userIds]),
  ]);
}

const setRoles = `UPDATE member SET role = given.role, version = version + 1, changed_ms = greatest(changed_ms, $4)
   FROM unnest($2::bigint[], $3::smallint[]) AS given (user_id, role)
   WHERE conversation_id = $1 AND member.user_id = given.user_id`;

export async function giveRoles(
  queries: Queries,
  conversationId: bigint,
  roles: ReadonlyMap<bigint, number>,
  nowMs: number,
): Promise<void> {
  await queries.run(setRoles, [conversationId, [...roles.keys()], [...roles.values()], nowMs]);
}

const setMuted = `UPDATE member SET muted_until_ms = $3, version = version + 1, changed_ms = greatest(changed_ms, $4)
   WHERE conversation_id = $1 AND user_id = ANY($2::bigint[])`;

export async function muteMembers(
  queries: Queries,
  conversationId: bigint,
  { userIds, untilMs }: { readonly userIds: readonly bigint[]; readonly untilMs: number },
  nowMs: number,
): Promise<void> {
  await queries.run(setMuted, [conversationId, userIds, untilMs, nowMs]);
}

const deleteRequests = 'DELETE FROM join_request WHERE conversation_id = $1 AND user_id = ANY($2::bigint[])';

/** How many requests there were. */
export function dropRequests(queries: Queries, conversationId: bigint, userIds: readonly bigint[]): Promise<number> {
  return queries.run(deleteRequests, [conversationId, userIds]);
}

const addToRequests = 'UPDATE chat_group SET pending_joins = pending_joins + $2 WHERE conversation_id = $1';
const touchAdmins = `UPDATE member SET version = version + 1, changed_ms = greatest(changed_ms, $2)
   WHERE conversation_id = $1 AND role IN (${ADMIN}, ${OWNER}) RETURNING user_id`;

/** After requests came or went: owner and admins see their number. Returns who they are; their rows are locked already. */
export async function countRequests(
  queries: Queries,
  conversationId: bigint,
  by: number,
  nowMs: number,
): Promise<bigint[]> {
  if (by === 0) return [];
  const [, admins] = await Promise.all([
    queries.run(addToRequests, [conversationId, by]),
    queries.arrays<readonly [userId: bigint]>(touchAdmins, [conversationId, nowMs]),
  ]);
  return admins.map(([userId]) => userId);
}

const setColumn = (column: string) => `UPDATE chat_group SET ${column} = $2 WHERE conversation_id = $1`;
const setColumns = {
  name: setColumn('name'),
  avatarColor: setColumn('avatar_color'),
  announcement: setColumn('announcement'),
  ownerId: setColumn('owner_id'),
  muteAll: setColumn('mute_all'),
  joinApproval: setColumn('join_approval'),
};
const addToMembers = 'UPDATE chat_group SET member_count = member_count + $2 WHERE conversation_id = $1';

/** `members`: how many more there are. */
export async function changeGroupRow(
  queries: Queries,
  conversationId: bigint,
  { announcement, ...rest }: GroupColumns,
  members: number,
): Promise<void> {
  const values: { [Column in keyof GroupColumns]: Value } = rest;
  if (announcement !== undefined) values.announcement = storedText(announcement);
  const changes = (Object.keys(values) as (keyof GroupColumns)[]).map((column) =>
    queries.run(setColumns[column], [conversationId, values[column]!]),
  );
  if (members !== 0) changes.push(queries.run(addToMembers, [conversationId, members]));
  await Promise.all(changes);
}

export function asMembers(userIds: readonly bigint[], role = MEMBER): Map<bigint, number> {
  return new Map(userIds.map((userId) => [userId, role]));
}
