import { refuseChange, refuseLinks, refuseOnMember } from '@fastim/core';
import {
  ConversationKind,
  type ErrorName,
  GroupChange,
  type GroupLink,
  type GroupMember,
  type GroupProfile,
  GroupRole,
  type Message,
  MessageKind,
  NoticeAction,
  type NoticeBody,
  noticeBody,
  type PendingJoin,
  type ReadCount,
  type UserProfile,
} from '@fastim/protocol';
import { foldText } from '../../storage/fold-text.ts';
import type {
  GroupChangeRequest,
  GroupOutcome,
  GroupStore,
  JoinByLink,
  MemberPageQuery,
  NewGroup,
  ReaderPageQuery,
} from '../../storage/group-store.ts';
import type { MemoryUsers } from './memory-accounts.ts';
import {
  type Conversation,
  clientKey,
  type GroupData,
  inMemberOrder,
  type Link,
  type Member,
  newConversation,
  newMember,
  ownerOf,
  presentMember,
  presentMembers,
  storeMessage,
  touch,
} from './memory-conversation.ts';

/** Requests to join in one answer. */
const JOINS_PAGE = 100;

/** What a change did to the rows, before its notice is stored. */
interface Done {
  readonly notice: NoticeBody;
  readonly added: readonly bigint[];
  readonly removed: readonly bigint[];
}

type Decision = Done | 'unchanged' | { readonly turnedDown: readonly bigint[] } | { readonly refused: ErrorName };

interface Author {
  readonly clientMsgId: Uint8Array;
  readonly msgId: bigint;
  readonly nowMs: number;
}

/** Groups of the fake storage. */
export class MemoryGroups implements GroupStore {
  readonly #conversations: Map<bigint, Conversation>;
  readonly #users: MemoryUsers;
  readonly #assertOpen: () => void;
  readonly #created = new Map<string, bigint>();

  constructor(parts: { conversations: Map<bigint, Conversation>; users: MemoryUsers; assertOpen: () => void }) {
    this.#conversations = parts.conversations;
    this.#users = parts.users;
    this.#assertOpen = parts.assertOpen;
  }

  async create(request: NewGroup): Promise<GroupOutcome> {
    this.#assertOpen();
    const { creatorId, conversationId, name, avatarColor, nowMs } = request;
    const key = clientKey(creatorId, request.clientMsgId);
    const before = this.#created.get(key);
    if (before !== undefined) return repeatOf(this.#conversations.get(before)!, key)!;
    const group: GroupData = {
      name,
      avatarColor,
      announcement: '',
      muteAll: false,
      joinApproval: false,
      requests: new Map(),
      links: [],
    };
    const conversation = newConversation(conversationId, ConversationKind.group, group, nowMs);
    conversation.members.set(creatorId, newMember(creatorId, GroupRole.owner, 1, nowMs));
    for (const userId of request.memberIds) {
      conversation.members.set(userId, newMember(userId, GroupRole.member, 1, nowMs));
    }
    this.#conversations.set(conversationId, conversation);
    this.#created.set(key, conversationId);
    return tell(conversation, creatorId, request, {
      notice: notice(NoticeAction.created, request.memberIds, name, avatarColor),
      added: [creatorId, ...request.memberIds],
      removed: [],
    });
  }

  async change(request: GroupChangeRequest): Promise<GroupOutcome> {
    this.#assertOpen();
    const { conversationId, actorId } = request;
    const conversation = this.#conversations.get(conversationId);
    if (!conversation?.group) return refused('NOT_A_MEMBER');
    const repeat = repeatOf(conversation, clientKey(actorId, request.clientMsgId));
    if (repeat) return repeat;
    const actor = presentMember(conversation, actorId);
    if (!actor) return refused('NOT_A_MEMBER');
    const refusal = refuseChange(
      actor,
      { joinApproval: conversation.group.joinApproval, memberCount: presentMembers(conversation).length },
      request.change,
    );
    if (refusal) return refused(refusal);
    const decision = decide(conversation, conversation.group, actor, request);
    if (decision === 'unchanged') return { outcome: 'unchanged', conversationId, adminIds: [] };
    if ('turnedDown' in decision) return { outcome: 'unchanged', conversationId, adminIds: decision.turnedDown };
    if ('refused' in decision) return refused(decision.refused);
    return tell(conversation, actorId, request, decision);
  }

  async joinByLink(request: JoinByLink): Promise<GroupOutcome> {
    this.#assertOpen();
    const { token, userId, nowMs } = request;
    const found = this.#byToken(token);
    if (!found) return refused('LINK_INVALID');
    const { conversation, group, link } = found;
    const repeat = repeatOf(conversation, clientKey(userId, request.clientMsgId));
    if (repeat) return repeat;
    if (presentMember(conversation, userId)) return refused('ALREADY_MEMBER');
    if (!works(conversation, link, nowMs)) return refused('LINK_INVALID');
    if (presentMembers(conversation).length >= request.maxMembers) return refused('GROUP_FULL');
    const { conversationId } = conversation;
    if (group.joinApproval) {
      if (group.requests.has(userId)) return { outcome: 'requested', conversationId, adminIds: [] };
      link.uses += 1;
      group.requests.set(userId, nowMs);
      return { outcome: 'requested', conversationId, adminIds: touchAdmins(conversation, nowMs) };
    }
    link.uses += 1;
    enter(conversation, userId, nowMs);
    return tell(conversation, userId, request, {
      notice: notice(NoticeAction.joined, [userId]),
      added: [userId],
      removed: [],
    });
  }

  async members(query: MemberPageQuery): Promise<{ members: GroupMember[]; next: string }> {
    this.#assertOpen();
    const conversation = this.#conversations.get(query.conversationId);
    const matching = presentMembers(conversation?.group ? conversation : emptyConversation).filter((member) => {
      const user = this.#users.byId.get(member.userId);
      const names = [user?.usernameKey ?? '', foldText(user?.displayName ?? '')];
      return names.some((name) => name.includes(query.queryKey));
    });
    const { page, next } = pageOf(matching, query.after, query.limit);
    return { members: page.map((member) => ({ ...memberRow(member), profile: this.#profile(member.userId) })), next };
  }

  async readCounts(conversationId: bigint, convSeqs: readonly number[]): Promise<ReadCount[]> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    if (!conversation) return [];
    return convSeqs.map((convSeq) => {
      const audience = audienceOf(conversation, convSeq);
      return { convSeq, read: audience.filter((member) => member.readSeq >= convSeq).length, of: audience.length };
    });
  }

  async readers(query: ReaderPageQuery): Promise<{ users: UserProfile[]; next: string }> {
    this.#assertOpen();
    const conversation = this.#conversations.get(query.conversationId);
    const { convSeq, unread } = query;
    const matching = conversation
      ? audienceOf(conversation, convSeq).filter((member) => member.readSeq >= convSeq !== unread)
      : [];
    const { page, next } = pageOf(matching, query.after, query.limit);
    return { users: page.map((member) => this.#profile(member.userId)), next };
  }

  async makeLink(request: {
    conversationId: bigint;
    creatorId: bigint;
    clientMsgId: Uint8Array;
    token: string;
    expiresMs: number;
    maxUses: number;
    maxLinks: number;
    nowMs: number;
  }): Promise<{ outcome: 'made'; link: GroupLink } | { outcome: 'refused'; reason: ErrorName }> {
    this.#assertOpen();
    const { creatorId, nowMs } = request;
    const conversation = this.#conversations.get(request.conversationId);
    const key = clientKey(creatorId, request.clientMsgId);
    const before = conversation?.group?.links.find((link) => link.key === key);
    if (before) return { outcome: 'made', link: linkView(before) };
    const refusal = this.#refuseLinks(conversation, creatorId);
    if (refusal || !conversation?.group) return { outcome: 'refused', reason: refusal ?? 'NOT_A_MEMBER' };
    const working = conversation.group.links.filter((link) => works(conversation, link, nowMs));
    if (working.length >= request.maxLinks) return { outcome: 'refused', reason: 'TOO_MANY' };
    const { token, expiresMs, maxUses } = request;
    const link: Link = { token, creatorId, key, expiresMs, maxUses, createdMs: nowMs, uses: 0, revoked: false };
    conversation.group.links.push(link);
    return { outcome: 'made', link: linkView(link) };
  }

  async links(
    conversationId: bigint,
    userId: bigint,
    nowMs: number,
  ): Promise<{ outcome: 'read'; links: GroupLink[] } | { outcome: 'refused'; reason: ErrorName }> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    const refusal = this.#refuseLinks(conversation, userId);
    if (refusal || !conversation?.group) return { outcome: 'refused', reason: refusal ?? 'NOT_A_MEMBER' };
    const links = conversation.group.links.filter((link) => works(conversation, link, nowMs)).map(linkView);
    return { outcome: 'read', links: links.reverse() };
  }

  async revokeLink(conversationId: bigint, userId: bigint, token: string): Promise<ErrorName | undefined> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    const refusal = this.#refuseLinks(conversation, userId);
    if (refusal) return refusal;
    const link = conversation?.group?.links.find((one) => one.token === token);
    if (!link) return 'LINK_INVALID';
    link.revoked = true;
    return undefined;
  }

  async lookAtLink(
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
    this.#assertOpen();
    const found = this.#byToken(token);
    if (!found || !works(found.conversation, found.link, nowMs)) return undefined;
    const { conversation, group, link } = found;
    return {
      conversationId: conversation.conversationId,
      group: { ...groupProfile(conversation)!, announcement: '' },
      member: presentMember(conversation, userId) !== undefined,
      requested: group.requests.has(userId),
      inviter: this.#profile(link.creatorId),
    };
  }

  async pendingJoins(
    conversationId: bigint,
    userId: bigint,
  ): Promise<{ outcome: 'read'; joins: PendingJoin[] } | { outcome: 'refused'; reason: ErrorName }> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    const member = presentMember(conversation, userId);
    if (!conversation?.group || !member) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    if (member.role < GroupRole.admin) return { outcome: 'refused', reason: 'NOT_ALLOWED' };
    const joins = [...conversation.group.requests].slice(0, JOINS_PAGE);
    return {
      outcome: 'read',
      joins: joins.map(([id, requestedMs]) => ({ profile: this.#profile(id), requestedMs })),
    };
  }

  #refuseLinks(conversation: Conversation | undefined, userId: bigint): ErrorName | undefined {
    const member = presentMember(conversation, userId);
    if (!conversation?.group || !member) return 'NOT_A_MEMBER';
    return refuseLinks(member, conversation.group);
  }

  #byToken(token: string): { conversation: Conversation; group: GroupData; link: Link } | undefined {
    for (const conversation of this.#conversations.values()) {
      const { group } = conversation;
      const link = group?.links.find((one) => one.token === token);
      if (group && link) return { conversation, group, link };
    }
    return undefined;
  }

  #profile(userId: bigint): UserProfile {
    const user = this.#users.byId.get(userId);
    return { userId, username: user?.username ?? '', displayName: user?.displayName ?? '' };
  }
}

const emptyConversation = newConversation(0n, ConversationKind.group, undefined, 0);

export function groupProfile(conversation: Conversation): GroupProfile | undefined {
  const { group } = conversation;
  return (
    group && {
      name: group.name,
      avatarColor: group.avatarColor,
      announcement: group.announcement,
      ownerId: ownerOf(conversation),
      memberCount: presentMembers(conversation).length,
      muteAll: group.muteAll,
      joinApproval: group.joinApproval,
    }
  );
}

function decide(conversation: Conversation, group: GroupData, actor: Member, request: GroupChangeRequest): Decision {
  const { change, userIds, text, number, nowMs } = request;
  const on = number === 1;
  switch (change) {
    case GroupChange.rename:
      if (group.name === text) return 'unchanged';
      group.name = text;
      return done(NoticeAction.renamed, [], text);
    case GroupChange.color:
      if (group.avatarColor === number) return 'unchanged';
      group.avatarColor = number;
      return done(NoticeAction.colored, [], '', number);
    case GroupChange.announce:
      if (group.announcement === text) return 'unchanged';
      group.announcement = text;
      return done(NoticeAction.announced, [], text);
    case GroupChange.muteAll:
      if (group.muteAll === on) return 'unchanged';
      group.muteAll = on;
      return done(NoticeAction.allMuted, [], '', number);
    case GroupChange.approval:
      if (group.joinApproval === on) return 'unchanged';
      group.joinApproval = on;
      return done(NoticeAction.approvalChanged, [], '', number);
    case GroupChange.leave:
      exit(conversation, actor, nowMs);
      return { ...done(NoticeAction.left, [actor.userId]), removed: [actor.userId] };
    case GroupChange.invite: {
      const fresh = userIds.filter((userId) => !presentMember(conversation, userId));
      if (fresh.length === 0) return { refused: 'ALREADY_MEMBER' };
      return letIn(conversation, fresh, NoticeAction.invited, request);
    }
    case GroupChange.decide: {
      const waiting = userIds.filter((userId) => group.requests.has(userId));
      if (waiting.length === 0) return 'unchanged';
      if (on) return letIn(conversation, waiting, NoticeAction.approved, request);
      for (const userId of waiting) group.requests.delete(userId);
      return { turnedDown: touchAdmins(conversation, nowMs) };
    }
    case GroupChange.remove:
    case GroupChange.mute:
    case GroupChange.role:
      return onMembers(conversation, actor, request);
    case GroupChange.transfer: {
      const heir = presentMember(conversation, userIds[0] ?? 0n);
      if (!heir) return { refused: 'NOT_A_MEMBER' };
      if (heir === actor) return 'unchanged';
      actor.role = GroupRole.admin;
      heir.role = GroupRole.owner;
      touch(actor, nowMs);
      touch(heir, nowMs);
      return done(NoticeAction.transferred, [heir.userId]);
    }
    default:
      return { refused: 'GROUP_INVALID' };
  }
}

function onMembers(
  conversation: Conversation,
  actor: Member,
  { change, userIds, number, nowMs }: GroupChangeRequest,
): Decision {
  const present = userIds.flatMap((userId) => presentMember(conversation, userId) ?? []);
  if (present.length === 0) return { refused: 'NOT_A_MEMBER' };
  const below = present.filter((member) => refuseOnMember(actor, member) === undefined);
  if (below.length === 0) return { refused: 'NOT_ALLOWED' };
  if (change === GroupChange.remove) {
    for (const member of below) exit(conversation, member, nowMs);
    const ids = below.map((member) => member.userId);
    return { ...done(NoticeAction.removed, ids), removed: ids };
  }
  const isRole = change === GroupChange.role;
  const changing = below.filter((member) => (isRole ? member.role : member.mutedUntilMs) !== number);
  if (changing.length === 0) return 'unchanged';
  for (const member of changing) {
    if (isRole) member.role = number;
    else member.mutedUntilMs = number;
    touch(member, nowMs);
  }
  const ids = changing.map((member) => member.userId);
  return done(isRole ? NoticeAction.roleChanged : NoticeAction.muted, ids, '', number);
}

function letIn(
  conversation: Conversation,
  userIds: readonly bigint[],
  action: number,
  { nowMs, maxMembers }: GroupChangeRequest,
): Decision {
  if (presentMembers(conversation).length + userIds.length > maxMembers) return { refused: 'GROUP_FULL' };
  for (const userId of userIds) enter(conversation, userId, nowMs);
  return { ...done(action, userIds), added: userIds };
}

/** The notice that comes next is the first thing the member sees. */
function enter(conversation: Conversation, userId: bigint, nowMs: number): void {
  const joinSeq = conversation.messages.length + 1;
  const former = conversation.members.get(userId);
  if (former) {
    former.role = GroupRole.member;
    former.joinSeq = joinSeq;
    former.leaveSeq = 0;
    former.joinedMs = nowMs;
    touch(former, nowMs);
  } else conversation.members.set(userId, newMember(userId, GroupRole.member, joinSeq, nowMs));
  if (conversation.group?.requests.delete(userId)) touchAdmins(conversation, nowMs);
}

function exit(conversation: Conversation, member: Member, nowMs: number): void {
  member.leaveSeq = conversation.messages.length + 1;
  member.role = GroupRole.member;
  conversation.removalsSeq = member.leaveSeq;
  touch(member, nowMs);
}

function touchAdmins(conversation: Conversation, nowMs: number): bigint[] {
  const admins = presentMembers(conversation).filter((member) => member.role >= GroupRole.admin);
  for (const admin of admins) touch(admin, nowMs);
  return admins.map((admin) => admin.userId);
}

function done(action: number, userIds: readonly bigint[], text = '', number = 0): Done {
  return { notice: notice(action, userIds, text, number), added: [], removed: [] };
}

function notice(action: number, userIds: readonly bigint[], text = '', number = 0): NoticeBody {
  return { action, userIds: [...userIds], text, number };
}

function tell(conversation: Conversation, senderId: bigint, author: Author, what: Done): GroupOutcome {
  const stored = storeMessage(conversation, {
    msgId: author.msgId,
    senderId,
    clientMsgId: author.clientMsgId,
    kind: MessageKind.notice,
    body: noticeBody.encode(what.notice),
    serverTimeMs: author.nowMs,
  });
  return told('stored', conversation, stored, what);
}

function repeatOf(conversation: Conversation, key: string): GroupOutcome | undefined {
  const stored = conversation.byClientId.get(key);
  if (stored?.kind !== MessageKind.notice) return undefined;
  return told('repeated', conversation, stored, {
    notice: noticeBody.decode(stored.body),
    added: [],
    removed: [],
  });
}

function told(outcome: 'stored' | 'repeated', conversation: Conversation, stored: Message, what: Done): GroupOutcome {
  return {
    outcome,
    conversationId: conversation.conversationId,
    notice: { ...stored },
    added: what.added,
    removed: what.removed,
    userIds: what.notice.userIds,
    removalsSeq: conversation.removalsSeq,
  };
}

function refused(reason: ErrorName): GroupOutcome {
  return { outcome: 'refused', reason };
}

/** A link works while its maker could still make it. */
function works(conversation: Conversation, link: Link, nowMs: number): boolean {
  const creator = presentMember(conversation, link.creatorId);
  return (
    !link.revoked &&
    creator !== undefined &&
    conversation.group !== undefined &&
    refuseLinks(creator, conversation.group) === undefined &&
    (link.expiresMs === 0 || nowMs < link.expiresMs) &&
    (link.maxUses === 0 || link.uses < link.maxUses)
  );
}

function linkView({ token, creatorId, expiresMs, maxUses, uses, createdMs }: Link): GroupLink {
  return { token, creatorId, expiresMs, maxUses, uses, createdMs };
}

function memberRow(member: Member): Omit<GroupMember, 'profile'> {
  return { role: member.role, mutedUntilMs: member.mutedUntilMs, joinedMs: member.joinedMs };
}

/** Who was there when it was written, and is there now, without its author. */
function audienceOf(conversation: Conversation, convSeq: number): Member[] {
  const author = conversation.messages[convSeq - 1]?.senderId;
  return presentMembers(conversation).filter((member) => member.joinSeq <= convSeq && member.userId !== author);
}

function pageOf(members: readonly Member[], after: string, limit: number): { page: Member[]; next: string } {
  const sorted = inMemberOrder(members);
  const place = /^(\d+)\.(\d+)$/.exec(after);
  const rest = place
    ? sorted.filter(
        ({ role, userId }) => role < Number(place[1]) || (role === Number(place[1]) && userId > BigInt(place[2]!)),
      )
    : sorted;
  const page = rest.slice(0, Math.max(1, limit));
  const last = page.at(-1);
  return { page, next: last && rest.length > page.length ? `${last.role}.${last.userId}` : '' };
}
