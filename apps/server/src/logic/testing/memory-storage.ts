/**
 * The storage contracts in memory, for tests of the rules only: nothing in it outlives the process, so no server may
 * be built on it. The storage contract suite runs on it too, which is what makes it worth testing against.
 */
import { clampCursor, mergeCursors, unreadBaseSeq } from '@fastim/core';
import {
  CLIENT_MSG_ID_LENGTH,
  ConversationKind,
  type ConversationState,
  type MemberCursor,
  type Message,
  type SyncMark,
} from '@fastim/protocol';
import type { ConversationStore, CursorRaise, SyncPageQuery } from '../../storage/conversation-store.ts';
import type { AppendOutcome, AppendRequest, HistoryQuery, MessageStore } from '../../storage/message-store.ts';
import type { Storage } from '../../storage/storage.ts';
import { StorageError } from '../../storage/storage.ts';
import { hex, MemorySessions, MemoryUsers } from './memory-accounts.ts';

interface Member {
  readonly userId: bigint;
  readonly joinSeq: number;
  readSeq: number;
  deliveredSeq: number;
  ownSeq: number;
  changedMs: number;
}

interface Conversation {
  readonly conversationId: bigint;
  readonly members: Map<bigint, Member>;
  readonly messages: Message[];
  readonly byClientId: Map<string, Message>;
  activityMs: number;
}

export class MemoryStorage implements Storage, MessageStore, ConversationStore {
  readonly messages: MessageStore = this;
  readonly conversations: ConversationStore = this;
  readonly users = new MemoryUsers(() => this.#assertOpen());
  readonly sessions = new MemorySessions(() => this.#assertOpen());
  readonly lease = { dataCentre: 0, node: 1, held: () => !this.#closed };
  readonly #conversations = new Map<bigint, Conversation>();
  readonly #pairs = new Map<string, bigint>();
  #closed = false;

  async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    this.#assertOpen();
    if (batch.some((request) => request.clientMsgId.length !== CLIENT_MSG_ID_LENGTH)) {
      throw new StorageError('other', 'client_msg_id is not 16 bytes');
    }
    return batch.map((request) => {
      const conversation = this.#conversations.get(request.conversationId);
      const member = conversation?.members.get(request.senderId);
      if (!conversation || !member) return { outcome: 'not-a-member' };
      const key = `${request.senderId}/${hex(request.clientMsgId)}`;
      const before = conversation.byClientId.get(key);
      const message = before ?? store(conversation, request);
      if (!before) {
        conversation.byClientId.set(key, message);
        member.ownSeq = message.convSeq;
      }
      return {
        outcome: before ? 'repeated' : 'stored',
        msgId: message.msgId,
        convSeq: message.convSeq,
        countNo: message.countNo,
        serverTimeMs: message.serverTimeMs,
        memberIds: [...conversation.members.keys()],
      };
    });
  }

  async history({ conversationId, fromSeq, toSeq, limit, newestFirst }: HistoryQuery): Promise<Message[]> {
    this.#assertOpen();
    const range = (this.#conversations.get(conversationId)?.messages ?? []).filter(
      (message) => message.convSeq >= fromSeq && message.convSeq <= toSeq,
    );
    const page = newestFirst ? range.slice(Math.max(0, range.length - limit)) : range.slice(0, limit);
    return page.map((message) => ({ ...message }));
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
    const members = new Map<bigint, Member>();
    for (const id of [userId, peerId]) {
      members.set(id, { userId: id, joinSeq: 1, readSeq: 0, deliveredSeq: 0, ownSeq: 0, changedMs: nowMs });
    }
    this.#conversations.set(newId, {
      conversationId: newId,
      members,
      messages: [],
      byClientId: new Map(),
      activityMs: nowMs,
    });
    this.#pairs.set(pair, newId);
    return { conversationId: newId, created: true };
  }

  async membership(conversationId: bigint, userId: bigint): Promise<{ joinSeq: number; headSeq: number } | undefined> {
    this.#assertOpen();
    const conversation = this.#conversations.get(conversationId);
    const member = conversation?.members.get(userId);
    return conversation && member && { joinSeq: member.joinSeq, headSeq: conversation.messages.length };
  }

  async memberIds(conversationId: bigint): Promise<bigint[]> {
    this.#assertOpen();
    return [...(this.#conversations.get(conversationId)?.members.keys() ?? [])];
  }

  async syncPage(query: SyncPageQuery): Promise<{ conversations: ConversationState[]; more: boolean }> {
    this.#assertOpen();
    const { beforeActivityMs, beforeConversationId } = query;
    const first = beforeActivityMs === 0 && beforeConversationId === 0n;
    const rows = this.#of(query.userId)
      .filter((row) => lastChange(row) >= query.sinceMs)
      .filter(
        (row) =>
          first ||
          row.activityMs < beforeActivityMs ||
          (row.activityMs === beforeActivityMs && row.conversationId < beforeConversationId),
      )
      .sort((a, b) => b.activityMs - a.activityMs || (b.conversationId > a.conversationId ? 1 : -1));
    return {
      conversations: rows.slice(0, query.limit).map((row) => this.#state(row, query.userId)),
      more: rows.length > query.limit,
    };
  }

  async mark(userId: bigint): Promise<SyncMark> {
    this.#assertOpen();
    const rows = this.#of(userId);
    return {
      conversationCount: rows.length,
      headSum: rows.reduce((sum, row) => sum + row.messages.length, 0),
      readSum: rows.reduce((sum, row) => sum + row.members.get(userId)!.readSeq, 0),
      sinceMs: 0,
    };
  }

  async states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    this.#assertOpen();
    return [...new Set(conversationIds)].flatMap((conversationId) => {
      const conversation = this.#conversations.get(conversationId);
      return conversation?.members.has(userId) ? [this.#state(conversation, userId)] : [];
    });
  }

  async raiseCursors(batch: readonly CursorRaise[]): Promise<MemberCursor[]> {
    this.#assertOpen();
    const risen = new Map<Member, Conversation>();
    for (const raise of batch) {
      const conversation = this.#conversations.get(raise.conversationId);
      const member = conversation?.members.get(raise.userId);
      if (!conversation || !member) continue;
      const head = conversation.messages.length;
      const merged = mergeCursors(member, {
        deliveredSeq: Number.isFinite(raise.deliveredSeq) ? clampCursor(raise.deliveredSeq, head) : 0,
        readSeq: Number.isFinite(raise.readSeq) ? clampCursor(raise.readSeq, head) : 0,
      });
      if (merged.deliveredSeq === member.deliveredSeq && merged.readSeq === member.readSeq) continue;
      member.deliveredSeq = merged.deliveredSeq;
      member.readSeq = merged.readSeq;
      member.changedMs = Math.max(member.changedMs, raise.nowMs);
      risen.set(member, conversation);
    }
    return [...risen].map(([member, conversation]) => cursorOf(conversation, member));
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

  #state(conversation: Conversation, userId: bigint): ConversationState {
    const member = conversation.members.get(userId)!;
    const peer = [...conversation.members.values()].find((other) => other.userId !== userId);
    const profile = peer && this.users.byId.get(peer.userId);
    const head = conversation.messages.at(-1);
    return {
      conversationId: conversation.conversationId,
      kind: ConversationKind.direct,
      headSeq: head?.convSeq ?? 0,
      headCountNo: head?.countNo ?? 0,
      joinSeq: member.joinSeq,
      readSeq: member.readSeq,
      unreadBaseCountNo: countNoAt(conversation, unreadBaseSeq(member.readSeq, member.joinSeq, member.ownSeq)),
      lastActivityMs: conversation.activityMs,
      peer: peer && {
        userId: peer.userId,
        username: profile?.username ?? '',
        displayName: profile?.displayName ?? '',
      },
      peerCursor: peer && cursorOf(conversation, peer),
      lastMessage: head && { ...head },
    };
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageError('closed', 'the storage is closed');
  }
}

function store(conversation: Conversation, request: AppendRequest): Message {
  const head = conversation.messages.at(-1);
  const message: Message = {
    msgId: request.msgId,
    conversationId: request.conversationId,
    convSeq: (head?.convSeq ?? 0) + 1,
    senderId: request.senderId,
    // Copies: what a caller does with its buffers afterwards must not reach what is stored.
    clientMsgId: Uint8Array.from(request.clientMsgId),
    kind: request.kind,
    body: Uint8Array.from(request.body),
    serverTimeMs: request.serverTimeMs,
    countNo: (head?.countNo ?? 0) + (request.counts ? 1 : 0),
  };
  conversation.messages.push(message);
  conversation.activityMs = Math.max(conversation.activityMs, request.serverTimeMs);
  return message;
}

function lastChange(conversation: Conversation): number {
  let last = conversation.activityMs;
  for (const member of conversation.members.values()) last = Math.max(last, member.changedMs);
  return last;
}

function countNoAt(conversation: Conversation, convSeq: number): number {
  return conversation.messages[convSeq - 1]?.countNo ?? 0;
}

function cursorOf(conversation: Conversation, member: Member): MemberCursor {
  return {
    conversationId: conversation.conversationId,
    userId: member.userId,
    deliveredSeq: member.deliveredSeq,
    readSeq: member.readSeq,
    readCountNo: countNoAt(conversation, member.readSeq),
  };
}
