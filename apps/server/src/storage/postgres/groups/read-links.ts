import { refuseLinks } from '@fastim/core';
import type { ErrorName, GroupLink, GroupProfile, UserProfile } from '@fastim/protocol';
import type { Queries } from '../connection/queries.ts';
import { LINK_COLUMNS, LINK_FROM, type LinkRow, linkOf, linkWorks } from './link-rows.ts';

/** How the reader stands, and one link of the group; its columns are null when there is none. */
type ListedRow = { readonly role: number; readonly muted_until_ms: bigint; readonly join_approval: boolean } & (
  | LinkRow
  | { readonly token: null }
);

/** One statement, so it sees one state of the database. */
const listLinks = `
  SELECT m.role, m.muted_until_ms, g.join_approval, link.*
  FROM chat_group g
  JOIN member m ON m.conversation_id = g.conversation_id AND m.user_id = $2 AND m.role > 0
  LEFT JOIN LATERAL (
    SELECT ${LINK_COLUMNS} FROM ${LINK_FROM} WHERE l.conversation_id = $1 AND NOT l.revoked
  ) AS link ON true
  WHERE g.conversation_id = $1
  ORDER BY link.created_ms DESC, link.token`;

export async function readLinks(
  queries: Queries,
  conversationId: bigint,
  userId: bigint,
  nowMs: number,
): Promise<{ outcome: 'read'; links: GroupLink[] } | { outcome: 'refused'; reason: ErrorName }> {
  const rows = await queries.rows<ListedRow>(listLinks, [conversationId, userId]);
  const [first] = rows;
  if (!first) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
  const group = { joinApproval: first.join_approval };
  const refusal = refuseLinks({ role: first.role, mutedUntilMs: Number(first.muted_until_ms) }, group);
  if (refusal) return { outcome: 'refused', reason: refusal };
  const links = rows.filter((row) => row.token !== null).filter((row) => linkWorks(row, group, nowMs));
  return { outcome: 'read', links: links.map(linkOf) };
}

interface LookedAt extends LinkRow {
  readonly conversation_id: bigint;
  readonly name: string;
  readonly avatar_color: bigint;
  readonly owner_id: bigint;
  readonly member_count: bigint;
  readonly mute_all: boolean;
  readonly join_approval: boolean;
  readonly is_member: boolean;
  readonly requested: boolean;
  readonly inviter_username: string | null;
  readonly inviter_display_name: string | null;
}

const look = `
  SELECT ${LINK_COLUMNS}, l.conversation_id, g.name, g.avatar_color, g.owner_id, g.member_count, g.mute_all,
         g.join_approval,
         EXISTS (SELECT 1 FROM member m
                 WHERE m.conversation_id = l.conversation_id AND m.user_id = $2 AND m.role > 0) AS is_member,
         EXISTS (SELECT 1 FROM join_request r
                 WHERE r.conversation_id = l.conversation_id AND r.user_id = $2) AS requested,
         i.username AS inviter_username, i.display_name AS inviter_display_name
  FROM ${LINK_FROM}
  JOIN chat_group g ON g.conversation_id = l.conversation_id
  LEFT JOIN chat_user i ON i.user_id = l.creator_id
  WHERE l.token = $1`;

/** Undefined: it does not work (any more). */
export async function lookAtLink(
  queries: Queries,
  token: string,
  userId: bigint,
  nowMs: number,
): Promise<
  | {
      conversationId: bigint;
      group: GroupProfile;
      member: boolean;
      requested: boolean;
      inviter: UserProfile | undefined;
    }
  | undefined
> {
  const [row] = await queries.rows<LookedAt>(look, [token, userId]);
  if (!row || !linkWorks(row, { joinApproval: row.join_approval }, nowMs)) return undefined;
  const { inviter_username: username, inviter_display_name: displayName } = row;
  return {
    conversationId: row.conversation_id,
    group: {
      name: row.name,
      avatarColor: Number(row.avatar_color),
      announcement: '',
      ownerId: row.owner_id,
      memberCount: Number(row.member_count),
      muteAll: row.mute_all,
      joinApproval: row.join_approval,
    },
    member: row.is_member,
    requested: row.requested,
    inviter: username === null || displayName === null ? undefined : { userId: row.creator_id, username, displayName },
  };
}
