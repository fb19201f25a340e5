import type { Clock } from '@fastim/core';
import {
  Command,
  type ConversationState,
  cursorPush,
  type ErrorName,
  GroupRole,
  headPush,
  type MemberSettings,
  type Message,
  MessageKind,
  MsgType,
  messagePush,
  NoticeAction,
  noticeBody,
  type SettingsRequest,
  type SyncMark,
  settingsPush,
} from '@fastim/protocol';
import { FakeAccounts, type FakeSession } from './fake-accounts.ts';
import { FakeConversation, type FakeMember } from './fake-conversation.ts';
import { type ChangeAsked, type Changed, changeGroup } from './fake-groups.ts';
import type { ServerEnd } from './fake-network.ts';
import { refuseMessage, takeEffect } from './fake-posting.ts';

export interface FakeConnection {
  readonly end: ServerEnd;
  session: FakeSession | undefined;
  lastSequenceId: number;
  /** Conversation → the SEND that was refused and is expected again: what the client sent behind it is refused too. */
  readonly heldUp: Map<bigint, { expected: string; reason: ErrorName }>;
  /** The group on its screen. */
  viewing: bigint;
  watching: ReadonlySet<bigint>;
}

/** What the server in memory has stored, and how it tells those who are connected. Stored is stored. */
export class FakeState {
  readonly clock: Clock;
  readonly accounts: FakeAccounts;
  readonly conversations: FakeConversation[] = [];
  readonly connections = new Set<FakeConnection>();
  readonly #created = new Map<string, FakeConversation>();
  #nextId = 1_000_000_000_000_000_001n;

  constructor(clock: Clock) {
    this.clock = clock;
    this.accounts = new FakeAccounts(clock, () => this.makeId());
  }

  makeId(): bigint {
    this.#nextId += 1n;
    return this.#nextId;
  }

  /** 16 bytes that nobody used before. */
  makeKey(): Uint8Array {
    const key = new Uint8Array(16);
    new DataView(key.buffer).setBigUint64(8, this.makeId());
    return key;
  }

  conversation(conversationId: bigint): FakeConversation | undefined {
    return this.conversations.find((conversation) => conversation.conversationId === conversationId);
  }

  /** Undefined for who never was in it. */
  memberOf(conversationId: bigint, userId: bigint): { conversation: FakeConversation; member: FakeMember } | undefined {
    const conversation = this.conversation(conversationId);
    const member = conversation?.members.get(userId);
    return conversation && member ? { conversation, member } : undefined;
  }

  openDirect(a: bigint, b: bigint): FakeConversation {
    const found = this.conversations.find(
      (conversation) => !conversation.group && [a, b].every((id) => conversation.members.has(id)),
    );
    if (found) return found;
    const now = this.clock.now();
    const conversation = new FakeConversation(this.makeId(), undefined, now);
    for (const userId of [a, b]) conversation.addMember(userId, 0, 1, now);
    this.conversations.push(conversation);
    return conversation;
  }

  createGroup(
    creatorId: bigint,
    clientMsgId: Uint8Array,
    { name, avatarColor, userIds }: { name: string; avatarColor: number; userIds: readonly bigint[] },
    from?: FakeConnection,
  ): FakeConversation {
    const key = `${creatorId}:${clientMsgId.join()}`;
    const before = this.#created.get(key);
    if (before) return before;
    const now = this.clock.now();
    const group = {
      name,
      avatarColor,
      announcement: '',
      muteAll: false,
      joinApproval: false,
      requests: new Map<bigint, number>(),
      links: [],
    };
    const conversation = new FakeConversation(this.makeId(), group, now);
    conversation.addMember(creatorId, GroupRole.owner, 1, now);
    for (const userId of userIds) conversation.addMember(userId, GroupRole.member, 1, now);
    this.conversations.push(conversation);
    this.#created.set(key, conversation);
    const notice = { action: NoticeAction.created, userIds: [...userIds], text: name, number: avatarColor };
    this.append(conversation, creatorId, clientMsgId, MessageKind.notice, noticeBody.encode(notice), from);
    return conversation;
  }

  /** One effect a client_msg_id. */
  change(
    conversation: FakeConversation,
    actorId: bigint,
    clientMsgId: Uint8Array,
    asked: ChangeAsked,
    from?: FakeConnection,
  ): { convSeq: number; userIds: readonly bigint[] } | ErrorName {
    const repeated = conversation.byKey.get(conversation.keyOf(actorId, clientMsgId));
    if (repeated) return { convSeq: repeated.convSeq, userIds: noticeBody.decode(repeated.body).userIds };
    const actor = conversation.present(actorId);
    if (!actor) return 'NOT_A_MEMBER';
    const changed = changeGroup(conversation, actor, asked, this.clock.now());
    return this.noteChange(conversation, actorId, clientMsgId, changed, from);
  }

  noteChange(
    conversation: FakeConversation,
    actorId: bigint,
    clientMsgId: Uint8Array,
    changed: Changed,
    from?: FakeConnection,
  ): { convSeq: number; userIds: readonly bigint[] } | ErrorName {
    if (changed === 'unchanged') return { convSeq: 0, userIds: [] };
    if ('refused' in changed) return changed.refused;
    const body = noticeBody.encode(changed.notice);
    const { convSeq } = this.append(conversation, actorId, clientMsgId, MessageKind.notice, body, from);
    return { convSeq, userIds: changed.notice.userIds };
  }

  /** A message of a member, with core's rules. */
  post(
    conversation: FakeConversation,
    senderId: bigint,
    clientMsgId: Uint8Array,
    kind: number,
    body: Uint8Array,
    from?: FakeConnection,
  ): Message | ErrorName | 'unchanged' {
    const repeated = conversation.byKey.get(conversation.keyOf(senderId, clientMsgId));
    if (repeated) return repeated;
    const member = conversation.present(senderId);
    if (!member) return 'NOT_A_MEMBER';
    const refusal = refuseMessage(conversation, member, kind, body, this.clock.now());
    return refusal ?? this.append(conversation, senderId, clientMsgId, kind, body, from);
  }

  append(
    conversation: FakeConversation,
    senderId: bigint,
    clientMsgId: Uint8Array,
    kind: number,
    body: Uint8Array,
    from: FakeConnection | undefined,
  ): Message {
    const message = conversation.store({
      msgId: this.makeId(),
      senderId,
      clientMsgId,
      kind,
      body,
      serverTimeMs: this.clock.now(),
    });
    takeEffect(conversation, message.convSeq, senderId, kind, body);
    // As it was sent: a push never says what later events made of it.
    this.#tell(conversation, { ...message, body }, from);
    return message;
  }

  /** Direct: the message to every device. Groups: the message to those who look, a head to the others. */
  #tell(conversation: FakeConversation, message: Message, from: FakeConnection | undefined): void {
    const { conversationId } = conversation;
    const body = messagePush.encode({ messages: [message] });
    const head = headPush.encode({ heads: [{ conversationId, headSeq: message.convSeq }] });
    for (const connection of this.connections) {
      const member = connection.session && conversation.members.get(connection.session.userId);
      if (!member || connection === from || message.convSeq > conversation.lastSeqOf(member)) continue;
      if (conversation.group && connection.viewing !== conversationId) this.push(connection, Command.heads, head);
      else this.push(connection, Command.messages, body);
    }
  }

  raise(
    conversation: FakeConversation,
    member: FakeMember,
    move: { deliveredSeq: number; readSeq: number },
    from: FakeConnection | undefined,
  ): ErrorName | undefined {
    const last = conversation.lastSeqOf(member);
    if (move.readSeq > last || move.deliveredSeq > last) return 'CURSOR_INVALID';
    const before = { ...member };
    member.readSeq = Math.max(member.readSeq, move.readSeq);
    if (!conversation.group) {
      member.deliveredSeq = Math.max(member.deliveredSeq, move.deliveredSeq, member.readSeq);
    }
    if (before.readSeq === member.readSeq && before.deliveredSeq === member.deliveredSeq) return undefined;
    const now = this.clock.now();
    member.changedMs = Math.max(member.changedMs, now);
    if (member.readSeq > before.readSeq && member.settings.markedUnread) {
      member.settings = { ...member.settings, markedUnread: false };
      conversation.touch(member, now);
    }
    const data = cursorPush.encode({ cursors: [conversation.cursorOf(member)] });
    for (const connection of this.connections) {
      const userId = connection.session?.userId;
      if (connection === from || userId === undefined) continue;
      const isTold = conversation.group ? userId === member.userId : conversation.members.has(userId);
      if (isTold) this.push(connection, Command.cursors, data);
    }
    return undefined;
  }

  changeSettings(
    conversation: FakeConversation,
    member: FakeMember,
    asked: SettingsRequest,
    from: FakeConnection | undefined,
  ): { version: number; settings: MemberSettings } {
    const before = member.settings;
    const hide = [...new Set(asked.hideSeqs)].filter((seq) => seq >= member.joinSeq && !member.hidden.has(seq));
    hide.forEach((seq, index) => {
      member.hidden.set(seq, before.hiddenVersion + index + 1);
    });
    member.settings = {
      silentUntilMs: asked.silentUntilMs ?? before.silentUntilMs,
      pinnedMs: asked.pinnedMs ?? before.pinnedMs,
      archived: asked.archived ?? before.archived,
      markedUnread: asked.markedUnread ?? before.markedUnread,
      draft: asked.draft ?? before.draft,
      hiddenVersion: before.hiddenVersion + hide.length,
    };
    if (JSON.stringify(before) === JSON.stringify(member.settings)) return member;
    conversation.touch(member, this.clock.now());
    const { version, settings } = member;
    const { conversationId } = conversation;
    const data = settingsPush.encode({ settings: [{ conversationId, version, settings }] });
    for (const connection of this.connections) {
      if (connection === from || connection.session?.userId !== member.userId) continue;
      this.push(connection, Command.settingsPush, data);
    }
    return { version, settings };
  }

  push({ end }: FakeConnection, cmd: number, data: Uint8Array): void {
    end.send({ cmd, msgType: MsgType.notify, logId: 0, sequenceId: 0, data });
  }

  /** Newest activity first; with those that the user has left. */
  states(userId: bigint, changedSinceMs = 0): ConversationState[] {
    return this.conversations
      .flatMap((conversation) => {
        const member = conversation.members.get(userId);
        if (!member || conversation.changedFor(member) < changedSinceMs) return [];
        return [conversation.state(member, (id) => this.accounts.profileOf(id))];
      })
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs || (a.conversationId < b.conversationId ? 1 : -1));
  }

  mark(userId: bigint): SyncMark {
    const mark: SyncMark = {
      conversationCount: 0,
      headSum: 0,
      readSum: 0,
      versionSum: 0,
      peerSum: 0,
      sinceMs: this.clock.now(),
    };
    for (const row of this.states(userId)) {
      mark.conversationCount += 1;
      mark.headSum += row.headSeq;
      mark.readSum += row.readSeq;
      mark.versionSum += row.version;
      mark.peerSum += (row.peerCursor?.deliveredSeq ?? 0) + (row.peerCursor?.readSeq ?? 0);
    }
    return mark;
  }
}
