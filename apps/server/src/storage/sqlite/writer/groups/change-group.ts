import { ADMIN, MEMBER, OWNER, refuseChange, refuseOnMember } from '@fastim/core';
import { type ErrorName, GroupChange, NoticeAction } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { GroupChangeRequest, GroupOutcome } from '../../../group-store.ts';
import type { ConversationCache } from '../conversation-cache.ts';
import { type Done, done, type GroupRow, type GroupRows, type MemberRow } from './group-rows.ts';

type Decision = Done | 'unchanged' | { readonly turnedDown: readonly bigint[] } | { readonly refused: ErrorName };

/**
 * One change of a group, inside the caller's transaction: rights, rows, notice. Everything that can refuse comes before
 * the first write.
 */
export class ChangeGroup {
  readonly #cache: ConversationCache;
  readonly #rows: GroupRows;
  readonly #rename: Statement<[string, number]>;
  readonly #color: Statement<[number, number]>;
  readonly #announce: Statement<[string, number]>;
  readonly #muteAll: Statement<[number, number]>;
  readonly #approval: Statement<[number, number]>;
  readonly #setOwner: Statement<[bigint, number]>;
  readonly #setRole: Statement<[number, number, bigint]>;
  readonly #setMuted: Statement<[number, number, bigint]>;
  readonly #waits: Statement<[number, bigint]>;

  constructor(database: Database, cache: ConversationCache, rows: GroupRows) {
    this.#cache = cache;
    this.#rows = rows;
    const set = <Value>(column: string) =>
      database.prepare<[Value, number]>(`UPDATE chat_group SET ${column} = ? WHERE conversation_no = ?`);
    this.#rename = set<string>('name');
    this.#color = set<number>('avatar_color');
    this.#announce = set<string>('announcement');
    this.#muteAll = set<number>('mute_all');
    this.#approval = set<number>('join_approval');
    this.#setOwner = set<bigint>('owner_id');
    const setMember = (column: string) =>
      database.prepare<[number, number, bigint]>(
        `UPDATE member SET ${column} = ? WHERE conversation_no = ? AND user_id = ?`,
      );
    this.#setRole = setMember('role');
    this.#setMuted = setMember('muted_until_ms');
    this.#waits = database
      .prepare<[number, bigint]>('SELECT 1 FROM join_request WHERE conversation_no = ? AND user_id = ?')
      .pluck();
  }

  change(request: GroupChangeRequest): GroupOutcome {
    const { conversationId, actorId, clientMsgId, msgId, nowMs } = request;
    this.#cache.release(conversationId);
    const group = this.#rows.find(conversationId);
    if (!group) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const repeat = this.#rows.repeat(group, actorId, clientMsgId);
    if (repeat) return repeat;
    const actor = this.#rows.present(group, actorId);
    if (!actor) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const refusal = refuseChange(actor, group, request.change);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const decision = this.#decide(group, actor, request);
    if (decision === 'unchanged') return { outcome: 'unchanged', conversationId, adminIds: [] };
    if ('turnedDown' in decision) return { outcome: 'unchanged', conversationId, adminIds: decision.turnedDown };
    if ('refused' in decision) return { outcome: 'refused', reason: decision.refused };
    return this.#rows.tell(group, { senderId: actorId, clientMsgId, msgId, nowMs }, decision);
  }

  #decide(group: GroupRow, actor: MemberRow, request: GroupChangeRequest): Decision {
    const { conversationNo } = group;
    const { change, text, number } = request;
    const on = number === 1;
    switch (change) {
      case GroupChange.rename:
        if (group.name === text) return 'unchanged';
        this.#rename.run(text, conversationNo);
        return done(NoticeAction.renamed, [], text);
      case GroupChange.color:
        if (group.avatarColor === number) return 'unchanged';
        this.#color.run(number, conversationNo);
        return done(NoticeAction.colored, [], '', number);
      case GroupChange.announce:
        if (group.announcement === text) return 'unchanged';
        this.#announce.run(text, conversationNo);
        return done(NoticeAction.announced, [], text);
      case GroupChange.muteAll:
        if (group.muteAll === on) return 'unchanged';
        this.#muteAll.run(on ? 1 : 0, conversationNo);
        return done(NoticeAction.allMuted, [], '', number);
      case GroupChange.approval:
        if (group.joinApproval === on) return 'unchanged';
        this.#approval.run(on ? 1 : 0, conversationNo);
        return done(NoticeAction.approvalChanged, [], '', number);
      default:
        return this.#decideOnMembers(group, actor, request);
    }
  }

  #decideOnMembers(group: GroupRow, actor: MemberRow, request: GroupChangeRequest): Decision {
    switch (request.change) {
      case GroupChange.invite:
        return this.#invite(group, request);
      case GroupChange.decide:
        return this.#decideJoins(group, request);
      case GroupChange.leave:
        return this.#leave(group, actor, request.nowMs);
      case GroupChange.remove:
        return this.#remove(group, actor, request);
      case GroupChange.role:
        return this.#giveRole(group, actor, request);
      case GroupChange.mute:
        return this.#mute(group, actor, request);
      case GroupChange.transfer:
        return this.#transfer(group, actor, request);
      default:
        return { refused: 'GROUP_INVALID' };
    }
  }

  #invite(group: GroupRow, request: GroupChangeRequest): Decision {
    const fresh = request.userIds.filter((userId) => !this.#rows.present(group, userId));
    if (fresh.length === 0) return { refused: 'ALREADY_MEMBER' };
    return this.#letIn(group, fresh, NoticeAction.invited, request);
  }

  #decideJoins(group: GroupRow, request: GroupChangeRequest): Decision {
    const waiting = request.userIds.filter((userId) => this.#waits.get(group.conversationNo, userId) !== undefined);
    if (waiting.length === 0) return 'unchanged';
    if (request.number === 1) return this.#letIn(group, waiting, NoticeAction.approved, request);
    return { turnedDown: this.#rows.dropRequests(group, waiting, request.nowMs) };
  }

  /** All of them or nobody. */
  #letIn(
    group: GroupRow,
    userIds: readonly bigint[],
    action: number,
    { nowMs, maxMembers }: GroupChangeRequest,
  ): Decision {
    if (group.memberCount + userIds.length > maxMembers) return { refused: 'GROUP_FULL' };
    this.#rows.enter(group, userIds, nowMs);
    return { ...done(action, userIds), added: userIds };
  }

  #leave(group: GroupRow, actor: MemberRow, nowMs: number): Decision {
    if (group.memberCount === 1) this.#setOwner.run(0n, group.conversationNo);
    this.#rows.exit(group, [actor.userId], nowMs);
    return { ...done(NoticeAction.left, [actor.userId]), removed: [actor.userId] };
  }

  #remove(group: GroupRow, actor: MemberRow, { userIds, nowMs }: GroupChangeRequest): Decision {
    const below = this.#below(group, actor, userIds);
    if ('refused' in below) return below;
    const ids = below.members.map(({ userId }) => userId);
    this.#rows.exit(group, ids, nowMs);
    return { ...done(NoticeAction.removed, ids), removed: ids };
  }

  #giveRole(group: GroupRow, actor: MemberRow, { userIds, number, nowMs }: GroupChangeRequest): Decision {
    if (number !== MEMBER && number !== ADMIN) return { refused: 'GROUP_INVALID' };
    const below = this.#below(group, actor, userIds);
    if ('refused' in below) return below;
    const changing = below.members.filter(({ role }) => role !== number).map(({ userId }) => userId);
    if (changing.length === 0) return 'unchanged';
    for (const userId of changing) {
      this.#setRole.run(number, group.conversationNo, userId);
      this.#rows.touch(group, userId, nowMs);
    }
    return done(NoticeAction.roleChanged, changing, '', number);
  }

  #mute(group: GroupRow, actor: MemberRow, { userIds, number, nowMs }: GroupChangeRequest): Decision {
    const below = this.#below(group, actor, userIds);
    if ('refused' in below) return below;
    const changing = below.members.filter((one) => one.mutedUntilMs !== number).map(({ userId }) => userId);
    if (changing.length === 0) return 'unchanged';
    for (const userId of changing) {
      this.#setMuted.run(number, group.conversationNo, userId);
      this.#rows.touch(group, userId, nowMs);
    }
    return done(NoticeAction.muted, changing, '', number);
  }

  /** The owner before stays as an admin. */
  #transfer(group: GroupRow, actor: MemberRow, { userIds, nowMs }: GroupChangeRequest): Decision {
    const [heirId] = userIds;
    const heir = heirId === undefined ? undefined : this.#rows.present(group, heirId);
    if (!heir) return { refused: 'NOT_A_MEMBER' };
    if (heir.userId === actor.userId) return 'unchanged';
    this.#setRole.run(ADMIN, group.conversationNo, actor.userId);
    this.#setRole.run(OWNER, group.conversationNo, heir.userId);
    this.#setOwner.run(heir.userId, group.conversationNo);
    for (const { userId } of [actor, heir]) this.#rows.touch(group, userId, nowMs);
    return done(NoticeAction.transferred, [heir.userId]);
  }

  #below(
    group: GroupRow,
    actor: MemberRow,
    userIds: readonly bigint[],
  ): { members: MemberRow[] } | { refused: ErrorName } {
    const present = userIds.flatMap((userId) => this.#rows.present(group, userId) ?? []);
    if (present.length === 0) return { refused: 'NOT_A_MEMBER' };
    const members = present.filter((member) => refuseOnMember(actor, member) === undefined);
    return members.length === 0 ? { refused: 'NOT_ALLOWED' } : { members };
  }
}
