import { MEMBER, type MemberStanding, OWNER, refuseChange } from '@fastim/core';
import {
  type ErrorName,
  GroupChange,
  type GroupMember,
  type PendingJoin,
  type ReadCount,
  type UserProfile,
} from '@fastim/protocol';
import { foldText } from '../../fold-text.ts';
import type { MemberPageQuery, ReaderPageQuery } from '../../group-store.ts';
import type { Queries, Value } from '../connection/queries.ts';
import { isStorable, LOWEST_ID, storedId } from '../connection/stored-values.ts';
import { countReaders } from './count-readers.ts';

const MOST_ROWS = 1_000;
const MOST_PENDING = 100;

interface ProfileRow {
  readonly user_id: bigint;
  readonly username: string | null;
  readonly display_name: string | null;
}

interface MemberRow extends ProfileRow {
  readonly role: number;
  readonly muted_until_ms: bigint;
  readonly joined_ms: bigint;
}

/** Members and readers of groups. Every read is one statement, so it sees one state of the database. */
export class ReadGroups {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  async members({ conversationId, queryKey, after, limit }: MemberPageQuery): Promise<{
    members: GroupMember[];
    next: string;
  }> {
    const query = foldText(queryKey);
    if (!isStorable(query)) return { members: [], next: '' };
    const matches = query === '' ? '' : 'AND (strpos(u.username_key, $5) > 0 OR strpos(u.display_key, $5) > 0)';
    const { rows, next } = await this.#page(conversationId, after, limit, matches, query === '' ? [] : [query]);
    const members = rows.map((row) => ({
      profile: profileOf(row),
      role: row.role,
      mutedUntilMs: Number(row.muted_until_ms),
      joinedMs: Number(row.joined_ms),
    }));
    return { members, next };
  }

  async readers({ conversationId, convSeq, unread, after, limit }: ReaderPageQuery): Promise<{
    users: UserProfile[];
    next: string;
  }> {
    const isSender = `SELECT 1 FROM message s WHERE s.conversation_id = $1 AND s.conv_seq = $5 AND s.sender_id = m.user_id`;
    const matches = `AND m.join_seq <= $5 AND m.read_seq ${unread ? '<' : '>='} $5 AND NOT EXISTS (${isSender})`;
    const { rows, next } = await this.#page(conversationId, after, limit, matches, [storedSeq(convSeq)]);
    return { users: rows.map(profileOf), next };
  }

  /** The members go over the wire as how many of them have the same two cursors, which in a group that is read are few. */
  async readCounts(conversationId: bigint, convSeqs: readonly number[]): Promise<ReadCount[]> {
    if (convSeqs.length === 0) return [];
    const id = storedId(conversationId);
    const [group] = await this.#queries.rows<{ cursors: string; senders: string }>(
      `SELECT
         (SELECT coalesce(json_agg(json_build_array(join_seq, read_seq, members)), '[]') FROM (
            SELECT join_seq, read_seq, count(*) AS members FROM member
            WHERE conversation_id = $1 AND role > 0 GROUP BY join_seq, read_seq) AS cursor)::text AS cursors,
         (SELECT coalesce(json_agg(json_build_array(s.conv_seq, m.join_seq, m.read_seq)), '[]')
          FROM message s JOIN member m ON m.conversation_id = s.conversation_id AND m.user_id = s.sender_id AND m.role > 0
          WHERE s.conversation_id = $1 AND s.conv_seq = ANY($2))::text AS senders
       FROM chat_group WHERE conversation_id = $1`,
      [id, convSeqs.map(storedSeq)],
    );
    if (!group) return [];
    const senders = new Map(
      (JSON.parse(group.senders) as [number, number, number][]).map(([convSeq, joinSeq, readSeq]) => [
        convSeq,
        { joinSeq, readSeq, members: -1 },
      ]),
    );
    const cursors = (JSON.parse(group.cursors) as [number, number, number][]).map(([joinSeq, readSeq, members]) => ({
      joinSeq,
      readSeq,
      members,
    }));
    return convSeqs.map((convSeq) => {
      const sender = senders.get(convSeq);
      return countReaders(convSeq, sender ? [...cursors, sender] : cursors);
    });
  }

  async pendingJoins(
    conversationId: bigint,
    userId: bigint,
  ): Promise<{ outcome: 'read'; joins: PendingJoin[] } | { outcome: 'refused'; reason: ErrorName }> {
    const rows = await this.#queries.rows<
      {
        role: number;
        muted_until_ms: bigint;
        join_approval: boolean;
        member_count: bigint;
        requested_ms: bigint | null;
      } & (ProfileRow | { user_id: null; username: null; display_name: null })
    >(
      `SELECT m.role, m.muted_until_ms, g.join_approval, g.member_count, r.user_id, r.requested_ms, u.username,
              u.display_name
       FROM chat_group g
       JOIN member m ON m.conversation_id = g.conversation_id AND m.user_id = $2 AND m.role > 0
       LEFT JOIN LATERAL (
         SELECT user_id, requested_ms FROM join_request WHERE conversation_id = $1
         ORDER BY requested_ms, user_id LIMIT ${MOST_PENDING}
       ) r ON true
       LEFT JOIN chat_user u ON u.user_id = r.user_id
       WHERE g.conversation_id = $1
       ORDER BY r.requested_ms, r.user_id`,
      [storedId(conversationId), storedId(userId)],
    );
    const [first] = rows;
    if (!first) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const member: MemberStanding = { role: first.role, mutedUntilMs: Number(first.muted_until_ms) };
    const rules = { joinApproval: first.join_approval, memberCount: Number(first.member_count) };
    const refusal = refuseChange(member, rules, GroupChange.decide);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const joins = rows.flatMap((row) =>
      row.user_id === null ? [] : [{ profile: profileOf(row), requestedMs: Number(row.requested_ms) }],
    );
    return { outcome: 'read', joins };
  }

  /**
   * A page over members by role, owner first, then by user_id, along the index by role: from each role no more is read
   * than the page and one more, which tells whether there is a next one. `matches` may use $5 and what follows.
   */
  async #page(
    conversationId: bigint,
    after: string,
    limit: number,
    matches: string,
    values: readonly Value[],
  ): Promise<{ rows: MemberRow[]; next: string }> {
    const most = Math.max(1, Math.min(Math.floor(limit) || 1, MOST_ROWS));
    const place = placeOf(after) ?? { role: OWNER, userId: LOWEST_ID };
    const ofRole = (role: number) =>
      `(SELECT m.user_id, m.role, m.muted_until_ms, m.joined_ms, u.username, u.display_name
        FROM member m LEFT JOIN chat_user u ON u.user_id = m.user_id
        WHERE m.conversation_id = $1 AND m.role = ${role} AND m.role > 0 AND ${role} <= $2
          AND m.user_id > (CASE WHEN ${role} = $2 THEN $3 ELSE ${LOWEST_ID} END) ${matches}
          AND EXISTS (SELECT 1 FROM chat_group g WHERE g.conversation_id = $1)
        ORDER BY m.user_id LIMIT $4)`;
    const roles: string[] = [];
    for (let role = OWNER; role >= MEMBER; role -= 1) roles.push(ofRole(role));
    const rows = await this.#queries.rows<MemberRow>(
      `SELECT * FROM (${roles.join(' UNION ALL ')}) AS page ORDER BY role DESC, user_id LIMIT $4`,
      [storedId(conversationId), place.role, place.userId, most + 1, ...values],
    );
    if (rows.length <= most) return { rows, next: '' };
    const page = rows.slice(0, most);
    const last = page.at(-1)!;
    return { rows: page, next: `${last.role}.${last.user_id}` };
  }
}

/** Undefined: this storage did not make it, so the start is meant. */
function placeOf(after: string): { role: number; userId: bigint } | undefined {
  const match = /^([1-3])\.(-?\d{1,19})$/.exec(after);
  if (!match) return undefined;
  return { role: Number(match[1]), userId: BigInt.asIntN(64, BigInt(match[2]!)) };
}

/** 0, which no message has, for what no conv_seq is. */
function storedSeq(convSeq: number): number {
  return Number.isSafeInteger(convSeq) && convSeq > 0 ? convSeq : 0;
}

function profileOf(row: ProfileRow): UserProfile {
  return { userId: row.user_id, username: row.username ?? '', displayName: row.display_name ?? '' };
}
