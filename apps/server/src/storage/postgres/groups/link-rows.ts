import { refuseLinks } from '@fastim/core';
import type { GroupLink } from '@fastim/protocol';

/** Of LINK_FROM. */
export const LINK_COLUMNS = `l.token, l.creator_id, l.expires_ms, l.max_uses, l.uses, l.created_ms, l.revoked,
  c.role AS creator_role`;

/** group_link as l, with its creator's row of member as c when he is in the group now. */
export const LINK_FROM = `group_link l LEFT JOIN member c
  ON c.conversation_id = l.conversation_id AND c.user_id = l.creator_id AND c.role > 0`;

/** A row of LINK_COLUMNS. */
export interface LinkRow {
  readonly token: string;
  readonly creator_id: bigint;
  readonly expires_ms: bigint;
  readonly max_uses: bigint;
  readonly uses: bigint;
  readonly created_ms: bigint;
  readonly revoked: boolean;
  /** Null: the creator is not in the group now. */
  readonly creator_role: number | null;
}

export function linkOf(row: LinkRow): GroupLink {
  return {
    token: row.token,
    creatorId: row.creator_id,
    expiresMs: Number(row.expires_ms),
    maxUses: Number(row.max_uses),
    uses: Number(row.uses),
    createdMs: Number(row.created_ms),
  };
}

/** A link works as long as its creator is in the group and could still make it. */
export function linkWorks(row: LinkRow, group: { readonly joinApproval: boolean }, nowMs: number): boolean {
  const { expiresMs, maxUses, uses } = linkOf(row);
  return (
    !row.revoked &&
    (expiresMs === 0 || nowMs < expiresMs) &&
    (maxUses === 0 || uses < maxUses) &&
    row.creator_role !== null &&
    refuseLinks({ role: row.creator_role, mutedUntilMs: 0 }, group) === undefined
  );
}
