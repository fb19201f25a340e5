/**
 * The storage contracts in memory, for tests of the rules only: nothing in it outlives the process, so no server may
 * be built on it. The storage contract suite runs on it too, which is what makes it worth testing against.
 */
import {
  mergeCursors,
  type Refusal,
  refuseEdit,
  refusePost,
  refuseReaction,
  refuseRecall,
  type Target,
  unreadBaseSeq,
} from '@fastim/core';
import {
  CLIENT_MSG_ID_LENGTH,
  ConversationKind,
  type ConversationState,
  eventKinds,
  GroupRole,
  MAX_EMOJIS_A_MESSAGE,
  type MemberSettings,
  type Message,
  MessageKind,
  type SettingsRequest,
  type SyncMark,
} from '@fastim/protocol';
import type {
  ConversationStore,
  CursorRaise,
  Membership,
  RaiseOutcome,
  SyncPageQuery,
} from '../../storage/conversation-store.ts';
import type { AppendOutcome, AppendRequest, HistoryQuery, MessageStore } from '../../storage/message-store.ts';
import type { Storage } from '../../storage/storage.ts';
import { StorageError } from '../../storage/storage.ts';
import { MemorySessions, MemoryUsers } from './memory-accounts.ts';
import {
  activityFor,
  type Conversation,
  clientKey,
  countNoAt,
  cursorOf,
  forgetWords,
  lastChangeFor,
  lastSeqOf,
  type Member,
  newConversation,
  newMember,
  presentForm,
  presentMember,
  presentMembers,
  react,
  storeMessage,
  targetState,
  touch,
} from './memory-conversation.ts';
import { groupProfile, MemoryGroups } from './memory-groups.ts';

/** Rows of one answer of `hidden`. */
const HIDDEN_PAGE = 1_000;
const EVERYBODY = 0n;

export class MemoryStorage implements Storage, MessageStore, ConversationStore {
  readonly messages: MessageStore = this;
  readonly conversations: ConversationStore = this;
  readonly users = new MemoryUsers(() => this.#assertOpen());
  readonly sessions = new MemorySessions(() => this.#assertOpen());
  readonly groups: MemoryGroups;
  readonly lease = { dataCentre: 0, node: 1, held: () => !this.#closed };
  readonly historyEpoch: bigint;
  readonly #conversations = new Map<bigint, Conversation>();
  readonly #pairs = new Map<string, bigint>();
  #closed = false;

  constructor(historyEpoch = 1n) {
    this.historyEpoch = historyEpoch;
    this.groups = new MemoryGroups({
      conversations: this.#conversations,
      users: this.users,
      assertOpen: () => this.#assertOpen(),
    });
  }

  async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    this.#assertOpen();
    if (batch.some((request) => request.clientMsgId.length !== CLIENT_MSG_ID_LENGTH)) {
      throw new StorageError('other', 'client_msg_id is not 16 bytes');
    }
    return batch.map((request) => this.#appendOne(request));
  }

  #appendOne(request: AppendRequest): AppendOutcome {
    const conversation = this.#conversations.get(request.conversationId);
    if (!conversation) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const before = conversation.byClientId.get(clientKey(request.senderId, request.clientMsgId));
    if (before) return outcomeOf(conversation, before, 'repeated');
    const member = presentMember(conversation, request.senderId);
    if (!member) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
    const refusal = refuse(conversation, member, request);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const { action } = request;
    if (action.type === 'reaction') {
      const users = conversation.targets.get(action.targetSeq)?.reactions;
      if ((users?.get(action.emoji)?.has(member.userId) ?? false) !== action.removed) return { outcome: 'unchanged' };
      if (!action.removed && !users?.has(action.emoji) && (users?.size ?? 0) >= MAX_EMOJIS_A_MESSAGE) {
        return { outcome: 'refused', reason: 'MESSAGE_INVALID' };
      }
    }
    const stored = storeMessage(conversation, request);
    takeEffect(conversation, stored, request);
    return outcomeOf(conversation, stored, 'stored');
  }

  async history(query: HistoryQuery): Promise<Message[]> {
    this.#assertOpen();
    const conversation = this.#conversations.get(query.conversationId);
    if (!conversation) return [];
    const range = conversation.messages.slice(Math.max(0, query.fromSeq - 1), Math.max(0, query.toSeq));
    const limit = Math.max(0, query.limit);
    const page = query.newestFirst ? range.slice(Math.max(0, range.length - limit)) : range.slice(0, limit);
    return page.map((message) => presentForm(conversation, message, query.viewerId));
  }

  async seqAt(conversationId: bigint, timeMs: number): Promise<number> {
    this.#assertOpen();
    const messages = this.#conversations.get(conversationId)?.messages ?? [];
    return messages.find((message) => message.serverTimeMs >= timeMs)?.convSeq ?? messages.length + 1;
  }

  async openDirect(
    userId: bigint,
    peerId: bigint,
    newId: bigint,
    nowMs: number,
  ): Promise<{ conversationId: bigint; created: boolean }> {
    this.#assertOpen();
    const pair = userId < peerId ? `${userId}/${peerId}` : `${peerId}/${userId}`;
    const existing = this.#pairs.get(pair);
    if (existing !== undefined) return { conversationId: existing, created: false };
    const conversation = newConversation(newId, ConversationKind.direct, undefined, nowMs);
    for (const id of [userId, peerId]) conversation.members.set(id, newMember(id, 0, 1, nowMs));
    this.#conversations.set(newId, conversation);
    this.#pairs.set(pair, newId);
    return { conversationId: newId, created: true };
  }

  async membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    const member = conversation?.members.get(userId);
    if (!conversation || !member) return undefined;
    return {
      kind: conversation.kind,
      joinSeq: member.joinSeq,
      lastSeq: lastSeqOf(conversation, member),
      leaveSeq: member.leaveSeq,
      role: member.role,
      memberCount: presentMembers(conversation).length,
    };
  }

  async directMembers(conversationId: bigint): Promise<bigint[]> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    return conversation?.kind === ConversationKind.direct ? [...conversation.members.keys()].sort(byId) : [];
  }

  async groupIdsOf(userId: bigint): Promise<bigint[]> {
    this.#assertOpen();
    return this.#of(userId)
      .filter((row) => row.kind === ConversationKind.group && presentMember(row, userId))
      .map((row) => row.conversationId);
  }

  async syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }> {
    this.#assertOpen();
    const { userId, beforeActivityMs, beforeConversationId } = query;
    const first = beforeActivityMs === 0 && beforeConversationId === 0n;
    const rows = this.#of(userId)
      .map((row) => ({ row, member: row.members.get(userId)! }))
      .map(({ row, member }) => ({ row, member, activityMs: activityFor(row, member) }))
      .filter(({ row, member }) => lastChangeFor(row, member) >= query.sinceMs)
      .filter(
        ({ row, activityMs }) =>
          first ||
          activityMs < beforeActivityMs ||
          (activityMs === beforeActivityMs && row.conversationId < beforeConversationId),
      )
      .sort((a, b) => b.activityMs - a.activityMs || (b.row.conversationId > a.row.conversationId ? 1 : -1));
    return {
      conversations: rows.slice(0, query.limit).map(({ row, member }) => this.#state(row, member)),
      more: rows.length > query.limit,
    };
  }

  async mark(userId: bigint): Promise<SyncMark> {
    this.#assertOpen();
    const mark: SyncMark = {
      conversationCount: 0,
      headSum: 0,
      readSum: 0,
      sinceMs: 0,
      versionSum: 0,
      peerSum: 0,
    };
    for (const row of this.#of(userId)) {
      const member = row.members.get(userId)!;
      mark.conversationCount += 1;
      mark.headSum += lastSeqOf(row, member);
      mark.readSum += member.readSeq;
      mark.versionSum += member.version;
      const peer = peerOf(row, userId);
      if (peer) mark.peerSum += peer.deliveredSeq + peer.readSeq;
    }
    return mark;
  }

  async states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    this.#assertOpen();
    return [...new Set(conversationIds)].flatMap((conversationId) => {
      const conversation = this.#conversations.get(conversationId);
      const member = conversation?.members.get(userId);
      return conversation && member ? [this.#state(conversation, member)] : [];
    });
  }

  async raiseCursors(batch: readonly CursorRaise[]): Promise<RaiseOutcome> {
    this.#assertOpen();
    const risen = new Map<Member, Conversation>();
    const unmarked: { conversationId: bigint; userId: bigint }[] = [];
    const refused: { move: CursorRaise; reason: 'NOT_A_MEMBER' | 'CURSOR_INVALID' }[] = [];
    for (const move of batch) {
      const conversation = this.#conversations.get(move.conversationId);
      const member = conversation?.members.get(move.userId);
      if (!conversation || !member) refused.push({ move, reason: 'NOT_A_MEMBER' });
      else if (!isPlace(move, lastSeqOf(conversation, member))) refused.push({ move, reason: 'CURSOR_INVALID' });
      else {
        const { markedUnread } = member.settings;
        if (!raise(conversation, member, move)) continue;
        risen.set(member, conversation);
        if (markedUnread && !member.settings.markedUnread)
          unmarked.push({ conversationId: move.conversationId, userId: move.userId });
      }
    }
    return { raised: [...risen].map(([member, conversation]) => cursorOf(conversation, member)), unmarked, refused };
  }

  async changeSettings(
    userId: bigint,
    change: SettingsRequest,
    nowMs: number,
  ): Promise<{ version: number; settings: MemberSettings; changed: boolean } | undefined> {
    this.#assertOpen();
    const conversation = this.#conversations.get(change.conversationId);
    const member = conversation?.members.get(userId);
    if (!conversation || !member) return undefined;
    const last = lastSeqOf(conversation, member);
    const hide = [...new Set(change.hideSeqs)].filter(
      (seq) => seq >= member.joinSeq && seq <= last && !member.hidden.has(seq),
    );
    const before = member.settings;
    const settings: MemberSettings = {
      silentUntilMs: change.silentUntilMs ?? before.silentUntilMs,
      pinnedMs: change.pinnedMs ?? before.pinnedMs,
      archived: change.archived ?? before.archived,
      markedUnread: change.markedUnread ?? before.markedUnread,
      draft: change.draft ?? before.draft,
      hiddenVersion: before.hiddenVersion + hide.length,
    };
    hide.forEach((seq, index) => {
      member.hidden.set(seq, before.hiddenVersion + index + 1);
    });
    const changed = (Object.keys(settings) as (keyof MemberSettings)[]).some((key) => settings[key] !== before[key]);
    if (changed) {
      member.settings = settings;
      touch(member, nowMs);
    }
    return { version: member.version, settings: { ...member.settings }, changed };
  }

  async hidden(
    userId: bigint,
    conversationId: bigint,
    since: number,
  ): Promise<{ convSeqs: number[]; hiddenVersion: number; more: boolean }> {
    this.#assertOpen();
    const member = this.#conversations.get(conversationId)?.members.get(userId);
    const all = [...(member?.hidden ?? [])].filter(([, version]) => version > since).sort((a, b) => a[1] - b[1]);
    const page = all.slice(0, HIDDEN_PAGE);
    return {
      convSeqs: page.map(([seq]) => seq),
      hiddenVersion: page.at(-1)?.[1] ?? Math.max(since, member?.settings.hiddenVersion ?? 0),
      more: all.length > page.length,
    };
  }

  async highestId(): Promise<bigint> {
    this.#assertOpen();
    let highest = 0n;
    const see = (id: bigint): void => {
      if (id > highest) highest = id;
    };
    for (const userId of this.users.byId.keys()) see(userId);
    for (const sessionId of this.sessions.ids()) see(sessionId);
    for (const conversation of this.#conversations.values()) {
      see(conversation.conversationId);
      for (const message of conversation.messages) see(message.msgId);
    }
    return highest;
  }

  async check(): Promise<void> {
    this.#assertOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #of(userId: bigint): Conversation[] {
    return [...this.#conversations.values()].filter((conversation) => conversation.members.has(userId));
  }

  #state(conversation: Conversation, member: Member): ConversationState {
    const { userId } = member;
    const peer = peerOf(conversation, userId);
    const profile = peer && this.users.byId.get(peer.userId);
    const headSeq = lastSeqOf(conversation, member);
    const shown = conversation.messages.slice(0, headSeq).findLast((message) => !eventKinds.has(message.kind));
    const isAdmin = member.role >= GroupRole.admin && member.leaveSeq === 0;
    return {
      conversationId: conversation.conversationId,
      kind: conversation.kind,
      headSeq,
      headCountNo: countNoAt(conversation, headSeq),
      joinSeq: member.joinSeq,
      readSeq: member.readSeq,
      unreadBaseCountNo: countNoAt(conversation, unreadBaseSeq(member.readSeq, member.joinSeq, member.ownSeq)),
      lastActivityMs: activityFor(conversation, member),
      peer: peer && {
        userId: peer.userId,
        username: profile?.username ?? '',
        displayName: profile?.displayName ?? '',
      },
      peerCursor: peer && cursorOf(conversation, peer),
      lastMessage: shown && shown.convSeq >= member.joinSeq ? presentForm(conversation, shown, userId) : undefined,
      leaveSeq: member.leaveSeq,
      mentionSeq: mentionSeq(conversation, member),
      version: member.version,
      settings: { ...member.settings },
      group: groupProfile(conversation),
      role: member.role,
      mutedUntilMs: member.mutedUntilMs,
      pendingJoins: isAdmin ? (conversation.group?.requests.size ?? 0) : 0,
    };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageError('closed', 'the storage is closed');
  }
}

function refuse(
  conversation: Conversation,
  member: Member,
  { action, serverTimeMs: nowMs }: AppendRequest,
): Refusal | undefined {
  const { group } = conversation;
  switch (action.type) {
    case 'post': {
      const reply = action.replySeq;
      const mayReply = reply === 0 || (reply >= member.joinSeq && reply <= conversation.messages.length);
      if (!mayReply) return 'TARGET_INVALID';
      return refusePost(member, group, { mentionAll: action.mentionAll, nowMs });
    }
    case 'edit':
      return refuseEdit(member, group, targetOf(conversation, member, action.targetSeq), { ...action, nowMs });
    case 'recall':
      return refuseRecall(member, group, targetOf(conversation, member, action.targetSeq), action);
    case 'reaction':
      return refuseReaction(member, group, targetOf(conversation, member, action.targetSeq), { nowMs });
  }
}

function targetOf(conversation: Conversation, member: Member, targetSeq: number): Target | undefined {
  const message = targetSeq >= member.joinSeq ? conversation.messages[targetSeq - 1] : undefined;
  return (
    message && {
      isText: message.kind === MessageKind.text,
      senderId: message.senderId,
      serverTimeMs: message.serverTimeMs,
      recalled: (conversation.targets.get(targetSeq)?.recalledSeq ?? 0) > 0,
    }
  );
}

/** What a message does besides being there. */
function takeEffect(conversation: Conversation, { convSeq, senderId }: Message, { action }: AppendRequest): void {
  if (action.type === 'post' || action.type === 'edit') {
    const mentioned = action.mentionAll ? [...action.mentions, EVERYBODY] : action.mentions;
    for (const userId of mentioned) {
      conversation.mentions.set(userId, [...(conversation.mentions.get(userId) ?? []), convSeq]);
    }
  }
  if (action.type === 'post') return;
  const state = targetState(conversation, action.targetSeq);
  if (action.type === 'edit') state.editedSeq = convSeq;
  else if (action.type === 'recall') {
    state.recalledSeq = convSeq;
    state.recalledBy = senderId;
    state.reactions.clear();
    forgetWords(conversation, action.targetSeq);
  } else {
    state.reactionsSeq = convSeq;
    react(state, action.emoji, senderId, action.removed);
  }
}

function outcomeOf(conversation: Conversation, message: Message, outcome: 'stored' | 'repeated'): AppendOutcome {
  return {
    outcome,
    msgId: message.msgId,
    convSeq: message.convSeq,
    countNo: message.countNo,
    serverTimeMs: message.serverTimeMs,
    kind: conversation.kind,
    memberIds: conversation.kind === ConversationKind.direct ? [...conversation.members.keys()] : [],
    removalsSeq: conversation.removalsSeq,
  };
}

function peerOf(conversation: Conversation, userId: bigint): Member | undefined {
  if (conversation.kind !== ConversationKind.direct) return undefined;
  return [...conversation.members.values()].find((other) => other.userId !== userId);
}

/** A mention counts from the text that made it; edits that mention count at their own place. */
function mentionSeq(conversation: Conversation, member: Member): number {
  const from = Math.max(member.readSeq, member.joinSeq - 1);
  const to = lastSeqOf(conversation, member);
  return [...(conversation.mentions.get(member.userId) ?? []), ...(conversation.mentions.get(EVERYBODY) ?? [])]
    .filter((seq) => seq > from && seq <= to)
    .filter((seq) => conversation.messages[seq - 1]!.senderId !== member.userId)
    .reduce((highest, seq) => Math.max(highest, seq), 0);
}

function isPlace(move: CursorRaise, lastSeq: number): boolean {
  return [move.deliveredSeq, move.readSeq].every((seq) => Number.isSafeInteger(seq) && seq >= 0 && seq <= lastSeq);
}

function raise(conversation: Conversation, member: Member, move: CursorRaise): boolean {
  const isDirect = conversation.kind === ConversationKind.direct;
  const merged = mergeCursors(member, {
    deliveredSeq: isDirect ? move.deliveredSeq : 0,
    readSeq: move.readSeq,
  });
  const deliveredSeq = isDirect ? merged.deliveredSeq : 0;
  if (deliveredSeq === member.deliveredSeq && merged.readSeq === member.readSeq) return false;
  if (merged.readSeq > member.readSeq && member.settings.markedUnread) {
    member.settings = { ...member.settings, markedUnread: false };
    member.version += 1;
  }
  member.deliveredSeq = deliveredSeq;
  member.readSeq = merged.readSeq;
  member.changedMs = Math.max(member.changedMs, move.nowMs);
  return true;
}

function byId(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
