import { type MemberStanding, refuseLinks } from '@fastim/core';
import type { GroupLink } from '@fastim/protocol';

/** Over group_link JOIN conversation. */
export const LINK_COLUMNS = `conversation_id, token, creator_id, expires_ms, max_uses, uses, group_link.created_ms, revoked`;

/** A row of LINK_COLUMNS, read raw with safe integers. */
export type LinkRow = [
  conversationId: bigint,
  token: string,
  creatorId: bigint,
  expiresMs: bigint,
  maxUses: bigint,
  uses: bigint,
  createdMs: bigint,
  revoked: bigint,
];

export function linkOf([, token, creatorId, expiresMs, maxUses, uses, createdMs]: LinkRow): GroupLink {
  return {
    token,
    creatorId,
    expiresMs: Number(expiresMs),
    maxUses: Number(maxUses),
    uses: Number(uses),
    createdMs: Number(createdMs),
  };
}

/** A link works as long as its creator is in the group and could still make it. `creator`: undefined when he is not. */
export function linkWorks(
  row: LinkRow,
  creator: MemberStanding | undefined,
  group: { readonly joinApproval: boolean },
  nowMs: number,
): boolean {
  const { expiresMs, maxUses, uses } = linkOf(row);
  return (
    row[7] === 0n &&
    (expiresMs === 0 || nowMs < expiresMs) &&
    (maxUses === 0 || uses < maxUses) &&
    creator !== undefined &&
    refuseLinks(creator, group) === undefined
  );
}
