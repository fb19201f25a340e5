import { MEMBER, type MemberStanding, OWNER, refuseChange, refuseLinks } from '@fastim/core';
import {
  type ErrorName,
  GroupChange,
  type GroupLink,
  type GroupMember,
  type GroupProfile,
  type PendingJoin,
  type ReadCount,
  type UserProfile,
} from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { foldText } from '../../fold-text.ts';
import type { MemberPageQuery, ReaderPageQuery } from '../../group-store.ts';
import { LINK_COLUMNS, type LinkRow, linkOf, linkWorks } from '../link-rows.ts';
import { plannedOnce } from '../planned-once.ts';
import { countReaders, type MemberCursors } from './count-readers.ts';

const MOST_ROWS = 1_000;
const MOST_PENDING = 100;

type MemberRow = [
  userId: bigint,
  username: string | null,
  displayName: string | null,
  mutedUntilMs: bigint,
  joinedMs: bigint,
];

type GroupRow = [
  conversationNo: bigint,
  name: string,
  avatarColor: bigint,
  ownerId: bigint,
  memberCount: bigint,
  muteAll: bigint,
  joinApproval: bigint,
];

/** Members, readers and links of groups. Pages follow the index of members by role, from where the last one ended. */
export class ReadGroups {
  readonly #group: Statement<[bigint]>;
  readonly #page: Statement<[bigint, number, bigint]>;
  readonly #search: Statement<[bigint, number, bigint, string, string]>;
  readonly #read: Statement<[bigint, number, bigint, number, number, bigint]>;
  readonly #unread: Statement<[bigint, number, bigint, number, number, bigint]>;
  readonly #cursors: Statement<[bigint]>;
  readonly #cursor: Statement<[bigint, bigint]>;
  readonly #sender: Statement<[bigint]>;
  readonly #standing: Statement<[bigint, bigint]>;
  readonly #links: Statement<[bigint]>;
  readonly #link: Statement<[string]>;
  readonly #requested: Statement<[bigint, bigint]>;
  readonly #requests: Statement<[bigint]>;
  readonly #profile: Statement<[bigint]>;

  constructor(database: Database) {
    this.#group = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT conversation_no, name, avatar_color, owner_id, member_count, mute_all, join_approval
         FROM conversation JOIN chat_group USING (conversation_no) WHERE conversation_id = ?`),
      )
      .raw()
      .safeIntegers();
    const page = `
      SELECT m.user_id, u.username, u.display_name, m.muted_until_ms, m.joined_ms
      FROM member m INDEXED BY member_by_role LEFT JOIN user u ON u.user_id = m.user_id
      WHERE m.conversation_no = ? AND m.role = ? AND m.role > 0 AND m.user_id > ?`;
    const prepare = <Bind extends unknown[]>(condition: string) =>
      database
        .prepare<Bind>(plannedOnce(`${page} ${condition} ORDER BY m.user_id`))
        .raw()
        .safeIntegers();
    this.#page = prepare('');
    this.#search = prepare('AND (instr(u.username_key, ?) > 0 OR instr(u.display_key, ?) > 0)');
    this.#read = prepare('AND m.join_seq <= ? AND m.read_seq >= ? AND m.user_id <> ?');
    this.#unread = prepare('AND m.join_seq <= ? AND m.read_seq < ? AND m.user_id <> ?');
    // NOT INDEXED: the rows lie side by side in the table; by the index each would be looked up.
    this.#cursors = database
      .prepare<[bigint]>('SELECT join_seq, read_seq FROM member NOT INDEXED WHERE conversation_no = ? AND role > 0')
      .raw();
    this.#cursor = database
      .prepare<[bigint, bigint]>(
        'SELECT join_seq, read_seq FROM member WHERE conversation_no = ? AND user_id = ? AND role > 0',
      )
      .raw();
    this.#sender = database.prepare<[bigint]>('SELECT sender_id FROM message WHERE place = ?').pluck().safeIntegers();
    this.#standing = database
      .prepare<[bigint, bigint]>(
        'SELECT role, muted_until_ms FROM member WHERE conversation_no = ? AND user_id = ? AND role > 0',
      )
      .raw();
    const links = `SELECT ${LINK_COLUMNS} FROM group_link JOIN conversation USING (conversation_no)`;
    this.#links = database
      .prepare<[bigint]>(
        plannedOnce(`${links} WHERE conversation_no = ? AND revoked = 0 ORDER BY group_link.created_ms DESC`),
      )
      .raw()
      .safeIntegers();
    this.#link = database
      .prepare<[string]>(plannedOnce(`${links} WHERE token = ?`))
      .raw()
      .safeIntegers();
    this.#requested = database
      .prepare<[bigint, bigint]>('SELECT 1 FROM join_request WHERE conversation_no = ? AND user_id = ?')
      .pluck();
    this.#requests = database
      .prepare<[bigint]>(
        plannedOnce(`SELECT r.user_id, u.username, u.display_name, r.requested_ms
         FROM join_request r LEFT JOIN user u ON u.user_id = r.user_id
         WHERE r.conversation_no = ? ORDER BY r.requested_ms, r.user_id LIMIT ${MOST_PENDING}`),
      )
      .raw()
      .safeIntegers();
    this.#profile = database.prepare<[bigint]>('SELECT username, display_name FROM user WHERE user_id = ?').raw();
  }

  members({ conversationId, queryKey, after, limit }: MemberPageQuery): { members: GroupMember[]; next: string } {
    const group = this.#find(conversationId);
    if (!group) return { members: [], next: '' };
    const query = foldText(queryKey);
    const { rows, next } = pageByRole(after, limit, (role, afterId) =>
      query === ''
        ? this.#page.iterate(group[0], role, afterId)
        : this.#search.iterate(group[0], role, afterId, query, query),
    );
    const members = rows.map(({ role, row }) => ({
      profile: profileOf(row),
      role,
      mutedUntilMs: Number(row[3]),
      joinedMs: Number(row[4]),
    }));
    return { members, next };
  }

  readers(query: ReaderPageQuery): { users: UserProfile[]; next: string } {
    const group = this.#find(query.conversationId);
    if (!group) return { users: [], next: '' };
    const { convSeq, unread } = query;
    const senderId = this.#senderOf(group[0], convSeq) ?? 0n;
    const statement = unread ? this.#unread : this.#read;
    const { rows, next } = pageByRole(query.after, query.limit, (role, afterId) =>
      statement.iterate(group[0], role, afterId, convSeq, convSeq, senderId),
    );
    return { users: rows.map(({ row }) => profileOf(row)), next };
  }

  readCounts(conversationId: bigint, convSeqs: readonly number[]): ReadCount[] {
    const group = this.#find(conversationId);
    if (!group || convSeqs.length === 0) return [];
    const asked = convSeqs.map((convSeq) => {
      const senderId = this.#senderOf(group[0], convSeq);
      const sender = senderId === undefined ? undefined : this.#cursor.get(group[0], senderId);
      return { convSeq, sender: sender as MemberCursors | undefined };
    });
    return countReaders(asked, this.#cursors.all(group[0]) as MemberCursors[]);
  }

  links(
    conversationId: bigint,
    userId: bigint,
    nowMs: number,
  ): { outcome: 'read'; links: GroupLink[] } | { outcome: 'refused'; reason: ErrorName } {
    const group = this.#find(conversationId);
    const member = group && this.#member(group, userId);
    if (!group || !member) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const refusal = refuseLinks(member, rulesOf(group));
    if (refusal) return { outcome: 'refused', reason: refusal };
    const rows = this.#links.all(group[0]) as LinkRow[];
    return { outcome: 'read', links: rows.filter((row) => this.#works(group, row, nowMs)).map(linkOf) };
  }

  lookAtLink(
    token: string,
    userId: bigint,
    nowMs: number,
  ):
    | {
        conversationId: bigint;
        group: GroupProfile;
        member: boolean;
        requested: boolean;
        inviter: UserProfile | undefined;
      }
    | undefined {
    const row = this.#link.get(token) as LinkRow | undefined;
    const group = row && this.#find(row[0]);
    if (!row || !group || !this.#works(group, row, nowMs)) return undefined;
    const [conversationNo, name, avatarColor, ownerId, memberCount, muteAll, joinApproval] = group;
    return {
      conversationId: row[0],
      group: {
        name,
        avatarColor: Number(avatarColor),
        announcement: '',
        ownerId,
        memberCount: Number(memberCount),
        muteAll: muteAll === 1n,
        joinApproval: joinApproval === 1n,
      },
      member: this.#member(group, userId) !== undefined,
      requested: this.#requested.get(conversationNo, userId) !== undefined,
      inviter: this.#profileOf(row[2]),
    };
  }

  pendingJoins(
    conversationId: bigint,
    userId: bigint,
  ): { outcome: 'read'; joins: PendingJoin[] } | { outcome: 'refused'; reason: ErrorName } {
    const group = this.#find(conversationId);
    const member = group && this.#member(group, userId);
    if (!group || !member) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const rules = { ...rulesOf(group), memberCount: Number(group[4]) };
    const refusal = refuseChange(member, rules, GroupChange.decide);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const rows = this.#requests.all(group[0]) as [bigint, string | null, string | null, bigint][];
    return {
      outcome: 'read',
      joins: rows.map((row) => ({ profile: profileOf(row), requestedMs: Number(row[3]) })),
    };
  }

  #find(conversationId: bigint): GroupRow | undefined {
    return this.#group.get(conversationId) as GroupRow | undefined;
  }

  /** Undefined for who is not in the group now. */
  #member(group: GroupRow, userId: bigint): MemberStanding | undefined {
    const row = this.#standing.get(group[0], userId) as [number, number] | undefined;
    return row && { role: row[0], mutedUntilMs: row[1] };
  }

  #works(group: GroupRow, row: LinkRow, nowMs: number): boolean {
    return linkWorks(row, this.#member(group, row[2]), rulesOf(group), nowMs);
  }

  #senderOf(conversationNo: bigint, convSeq: number): bigint | undefined {
    if (!Number.isSafeInteger(convSeq) || convSeq < 1 || convSeq > 0xffff_ffff) return undefined;
    return this.#sender.get((conversationNo << 32n) + BigInt(convSeq)) as bigint | undefined;
  }

  #profileOf(userId: bigint): UserProfile | undefined {
    const row = this.#profile.get(userId) as [string, string] | undefined;
    return row && { userId, username: row[0], displayName: row[1] };
  }
}

/**
 * A page over members by role, owner first, then by user_id. It is read row by row, and no further than the page goes and
 * one more, which tells whether there is a next one.
 */
function pageByRole(
  after: string,
  limit: number,
  rowsOf: (role: number, afterId: bigint) => IterableIterator<unknown>,
): { rows: { role: number; row: MemberRow }[]; next: string } {
  const most = Math.max(1, Math.min(Math.floor(limit) || 1, MOST_ROWS));
  const place = placeOf(after);
  const rows: { role: number; row: MemberRow }[] = [];
  for (let role = place?.role ?? OWNER; role >= MEMBER; role -= 1) {
    const afterId = role === place?.role ? place.userId : FIRST_ID;
    for (const row of rowsOf(role, afterId) as Iterable<MemberRow>) {
      if (rows.length === most) {
        const last = rows.at(-1)!;
        return { rows, next: `${last.role}.${last.row[0]}` };
      }
      rows.push({ role, row });
    }
  }
  return { rows, next: '' };
}

const FIRST_ID = -(2n ** 63n);

/** Undefined: this storage did not make it, so the start is meant. */
function placeOf(after: string): { role: number; userId: bigint } | undefined {
  const match = /^([1-3])\.(-?\d{1,19})$/.exec(after);
  if (!match) return undefined;
  return { role: Number(match[1]), userId: BigInt.asIntN(64, BigInt(match[2]!)) };
}

function rulesOf(group: GroupRow): { joinApproval: boolean } {
  return { joinApproval: group[6] === 1n };
}

function profileOf(row: readonly [bigint, string | null, string | null, ...unknown[]]): UserProfile {
  return { userId: row[0], username: row[1] ?? '', displayName: row[2] ?? '' };
}
