import { refuseLinks } from '@fastim/core';
import { type ErrorName, type GroupLink, NoticeAction } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { GroupOutcome, GroupStore, JoinByLink } from '../../../group-store.ts';
import { LINK_COLUMNS, type LinkRow, linkOf, linkWorks } from '../../link-rows.ts';
import { plannedOnce } from '../../planned-once.ts';
import type { ConversationCache } from '../conversation-cache.ts';
import { done, type GroupRow, type GroupRows } from './group-rows.ts';

type NewLink = Parameters<GroupStore['makeLink']>[0];

/** Links to groups, and coming in by one, inside the caller's transaction. */
export class GroupLinks {
  readonly #cache: ConversationCache;
  readonly #rows: GroupRows;
  readonly #byToken: Statement<[string]>;
  readonly #byClientId: Statement<[Uint8Array, bigint, number]>;
  readonly #ofGroup: Statement<[number]>;
  readonly #add: Statement<[string, number, bigint, Uint8Array, number, number, number]>;
  readonly #revoke: Statement<[string, number]>;
  readonly #use: Statement<[string]>;

  constructor(database: Database, cache: ConversationCache, rows: GroupRows) {
    this.#cache = cache;
    this.#rows = rows;
    const select = `SELECT ${LINK_COLUMNS} FROM group_link JOIN conversation USING (conversation_no)`;
    this.#byToken = database
      .prepare<[string]>(plannedOnce(`${select} WHERE token = ?`))
      .raw()
      .safeIntegers();
    this.#byClientId = database
      .prepare<[Uint8Array, bigint, number]>(
        plannedOnce(`${select} WHERE client_msg_id = ? AND creator_id = ? AND conversation_no = ?`),
      )
      .raw()
      .safeIntegers();
    this.#ofGroup = database
      .prepare<[number]>(plannedOnce(`${select} WHERE conversation_no = ? AND revoked = 0`))
      .raw()
      .safeIntegers();
    this.#add = database.prepare(
      `INSERT INTO group_link (token, conversation_no, creator_id, client_msg_id, created_ms, expires_ms, max_uses,
                               uses, revoked)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)`,
    );
    this.#revoke = database.prepare('UPDATE group_link SET revoked = 1 WHERE token = ? AND conversation_no = ?');
    this.#use = database.prepare('UPDATE group_link SET uses = uses + 1 WHERE token = ?');
  }

  make(request: NewLink): { outcome: 'made'; link: GroupLink } | { outcome: 'refused'; reason: ErrorName } {
    const { creatorId, clientMsgId, token, nowMs, expiresMs, maxUses } = request;
    const group = this.#rows.find(request.conversationId);
    if (!group) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const before = this.#byClientId.get(clientMsgId, creatorId, group.conversationNo) as LinkRow | undefined;
    if (before) return { outcome: 'made', link: linkOf(before) };
    const refusal = this.#refuse(group, creatorId);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const links = this.#ofGroup.all(group.conversationNo) as LinkRow[];
    const working = links.filter((row) => this.#works(group, row, nowMs));
    if (working.length >= request.maxLinks) return { outcome: 'refused', reason: 'TOO_MANY' };
    this.#add.run(token, group.conversationNo, creatorId, clientMsgId, nowMs, expiresMs, maxUses);
    return { outcome: 'made', link: { token, creatorId, expiresMs, maxUses, uses: 0, createdMs: nowMs } };
  }

  /** Undefined: it does not work from now on. */
  revoke(conversationId: bigint, userId: bigint, token: string): ErrorName | undefined {
    const group = this.#rows.find(conversationId);
    if (!group) return 'NOT_A_MEMBER';
    const refusal = this.#refuse(group, userId);
    if (refusal) return refusal;
    return this.#revoke.run(token, group.conversationNo).changes === 1 ? undefined : 'LINK_INVALID';
  }

  /** A use is counted once for everybody who comes by the link, or asks to. */
  join(request: JoinByLink): GroupOutcome {
    const { token, userId, clientMsgId, msgId, nowMs, maxMembers } = request;
    const row = this.#byToken.get(token) as LinkRow | undefined;
    const conversationId = row?.[0];
    if (!row || conversationId === undefined) return { outcome: 'refused', reason: 'LINK_INVALID' };
    this.#cache.release(conversationId);
    const group = this.#rows.find(conversationId);
    if (!group) return { outcome: 'refused', reason: 'LINK_INVALID' };
    const repeat = this.#rows.repeat(group, userId, clientMsgId);
    if (repeat) return repeat;
    if (this.#rows.present(group, userId)) return { outcome: 'refused', reason: 'ALREADY_MEMBER' };
    if (!this.#works(group, row, nowMs)) return { outcome: 'refused', reason: 'LINK_INVALID' };
    if (group.memberCount >= maxMembers) return { outcome: 'refused', reason: 'GROUP_FULL' };
    if (group.joinApproval) {
      if (!this.#rows.request(group, userId, nowMs)) return { outcome: 'requested', conversationId, adminIds: [] };
      this.#use.run(token);
      return { outcome: 'requested', conversationId, adminIds: this.#rows.requestsCame(group, nowMs) };
    }
    this.#use.run(token);
    this.#rows.enter(group, [userId], nowMs);
    return this.#rows.tell(
      group,
      { senderId: userId, clientMsgId, msgId, nowMs },
      { ...done(NoticeAction.joined, [userId]), added: [userId] },
    );
  }

  #works(group: GroupRow, row: LinkRow, nowMs: number): boolean {
    return linkWorks(row, this.#rows.present(group, row[2]), group, nowMs);
  }

  #refuse(group: GroupRow, userId: bigint): ErrorName | undefined {
    const member = this.#rows.present(group, userId);
    return member ? refuseLinks(member, group) : 'NOT_A_MEMBER';
  }
}
