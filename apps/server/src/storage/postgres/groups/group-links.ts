import { type MemberStanding, refuseLinks } from '@fastim/core';
import { type ErrorName, type GroupLink, NoticeAction } from '@fastim/protocol';
import type { GroupOutcome, GroupStore, JoinByLink } from '../../group-store.ts';
import type { Queries } from '../connection/queries.ts';
import { carryOut } from './change-group.ts';
import { countRequests, lockGroup, lockMembers, waitingOf } from './group-rows.ts';
import { LINK_COLUMNS, LINK_FROM, type LinkRow, linkOf, linkWorks } from './link-rows.ts';
import { earlierNotice, repeated } from './notices.ts';

type NewLink = Parameters<GroupStore['makeLink']>[0];

const linksOfGroup = `SELECT ${LINK_COLUMNS}, (l.creator_id = $2 AND l.client_msg_id = $3) AS is_repeat
   FROM ${LINK_FROM}
   WHERE l.conversation_id = $1 AND (NOT l.revoked OR (l.creator_id = $2 AND l.client_msg_id = $3))`;
const addLink = `INSERT INTO group_link (conversation_id, token, creator_id, client_msg_id, created_ms, expires_ms, max_uses, uses,
                           revoked)
   VALUES ($1, $2, $3, $4, $5, $6, $7, 0, false)`;
const revoke = 'UPDATE group_link SET revoked = true WHERE conversation_id = $1 AND token = $2';
const groupOfToken = 'SELECT conversation_id FROM group_link WHERE token = $1';
const linkOfToken = `SELECT ${LINK_COLUMNS} FROM ${LINK_FROM} WHERE l.conversation_id = $1 AND l.token = $2`;
const addRequest =
  'INSERT INTO join_request (conversation_id, user_id, requested_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING';
const countUse = 'UPDATE group_link SET uses = uses + 1 WHERE conversation_id = $1 AND token = $2';

/** A new link, inside the caller's transaction. Links change only under the lock of their group's conversation. */
export async function makeLink(
  queries: Queries,
  request: NewLink,
): Promise<{ outcome: 'made'; link: GroupLink } | { outcome: 'refused'; reason: ErrorName }> {
  const { conversationId, creatorId, clientMsgId, token, nowMs, expiresMs, maxUses } = request;
  const [group, links, present] = await Promise.all([
    lockGroup(queries, conversationId),
    queries.rows<LinkRow & { is_repeat: boolean }>(linksOfGroup, [conversationId, creatorId, clientMsgId]),
    lockMembers(queries, conversationId, [creatorId], false),
  ]);
  if (!group) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
  const before = links.find((row) => row.is_repeat);
  if (before) return { outcome: 'made', link: linkOf(before) };
  const refusal = refuse(present.get(creatorId), group);
  if (refusal) return { outcome: 'refused', reason: refusal };
  const working = links.filter((row) => linkWorks(row, group, nowMs));
  if (working.length >= request.maxLinks) return { outcome: 'refused', reason: 'TOO_MANY' };
  await queries.run(addLink, [conversationId, token, creatorId, clientMsgId, nowMs, expiresMs, maxUses]);
  return { outcome: 'made', link: { token, creatorId, expiresMs, maxUses, uses: 0, createdMs: nowMs } };
}

/** Undefined: it does not work from now on. */
export async function revokeLink(
  queries: Queries,
  conversationId: bigint,
  userId: bigint,
  token: string,
): Promise<ErrorName | undefined> {
  const [group, present] = await Promise.all([
    lockGroup(queries, conversationId),
    lockMembers(queries, conversationId, [userId], false),
  ]);
  if (!group) return 'NOT_A_MEMBER';
  const refusal = refuse(present.get(userId), group);
  if (refusal) return refusal;
  return (await queries.run(revoke, [conversationId, token])) === 1 ? undefined : 'LINK_INVALID';
}

/** A use is counted once for everybody who comes by the link, or asks to. */
export async function joinByLink(queries: Queries, request: JoinByLink): Promise<GroupOutcome> {
  const { token, userId, clientMsgId, msgId, nowMs, maxMembers } = request;
  const [place] = await queries.arrays<readonly [conversationId: bigint]>(groupOfToken, [token]);
  if (!place) return { outcome: 'refused', reason: 'LINK_INVALID' };
  const [conversationId] = place;
  const [group, earlier, present, waiting, [link]] = await Promise.all([
    lockGroup(queries, conversationId),
    earlierNotice(queries, conversationId, userId, clientMsgId),
    lockMembers(queries, conversationId, [userId], true),
    waitingOf(queries, conversationId, [userId]),
    queries.rows<LinkRow>(linkOfToken, [conversationId, token]),
  ]);
  if (!group || !link) return { outcome: 'refused', reason: 'LINK_INVALID' };
  if (earlier) return repeated(group, earlier);
  if (present.has(userId)) return { outcome: 'refused', reason: 'ALREADY_MEMBER' };
  if (!linkWorks(link, group, nowMs)) return { outcome: 'refused', reason: 'LINK_INVALID' };
  if (group.memberCount >= maxMembers) return { outcome: 'refused', reason: 'GROUP_FULL' };
  if (group.joinApproval) {
    if (waiting.has(userId)) return { outcome: 'requested', conversationId, adminIds: [] };
    const [adminIds] = await Promise.all([
      countRequests(queries, conversationId, 1, nowMs),
      queries.run(addRequest, [conversationId, userId, nowMs]),
      queries.run(countUse, [conversationId, token]),
    ]);
    return { outcome: 'requested', conversationId, adminIds };
  }
  const notice = { action: NoticeAction.joined, userIds: [userId], text: '', number: 0 };
  const plan = { notice, set: {}, enter: [userId], exit: [], roles: new Map<bigint, number>(), mute: undefined };
  const [outcome] = await Promise.all([
    carryOut(queries, group, { senderId: userId, clientMsgId, msgId, nowMs }, plan, [...waiting]),
    queries.run(countUse, [conversationId, token]),
  ]);
  return outcome;
}

function refuse(member: MemberStanding | undefined, group: { readonly joinApproval: boolean }): ErrorName | undefined {
  return member ? refuseLinks(member, group) : 'NOT_A_MEMBER';
}
