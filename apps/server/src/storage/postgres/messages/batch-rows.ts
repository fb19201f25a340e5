import type { ConversationKind, Message } from '@fastim/protocol';
import type { AppendRequest } from '../../message-store.ts';
import { storedId } from '../connection/stored-values.ts';

export interface BatchMember {
  readonly userId: bigint;
  readonly joinSeq: number;
  /** 0: a member now. */
  readonly leaveSeq: number;
  readonly role: number;
  readonly mutedUntilMs: number;
}

export interface BatchConversation {
  readonly conversationId: bigint;
  readonly kind: ConversationKind;
  headSeq: number;
  headCountNo: number;
  lastShownSeq: number;
  lastActivityMs: number;
  readonly removalsSeq: number;
  /** What core's rules ask of a group; undefined in direct conversations. */
  readonly group: { readonly muteAll: boolean } | undefined;
  readonly memberIds: readonly bigint[];
  /** Those who send in this batch. */
  readonly members: Map<bigint, BatchMember>;
}

export interface MessageState {
  editedSeq: number;
  recalledSeq: number;
  recalledBy: bigint;
  reactionsSeq: number;
}

export interface Tally {
  readonly firstSeq: number;
  count: number;
}

/** Whether somebody reacted with one emoji; `seq`: by which event, 0: not. What was there before has `before`. */
export interface BatchReaction {
  readonly userId: bigint;
  readonly emoji: string;
  readonly before: boolean;
  seq: number;
}

/** A message that is new in this batch, or that something in it refers to, as the batch leaves it. */
export class BatchMessage implements Message {
  readonly msgId: bigint;
  readonly conversationId: bigint;
  readonly convSeq: number;
  readonly senderId: bigint;
  readonly clientMsgId: Uint8Array;
  readonly kind: number;
  readonly serverTimeMs: number;
  readonly countNo: number;
  readonly isNew: boolean;
  body: Uint8Array;
  readonly state: MessageState = { editedSeq: 0, recalledSeq: 0, recalledBy: 0n, reactionsSeq: 0 };
  /** Its words before the first edit of this batch. */
  original: Uint8Array | undefined;
  /** Recalled in this batch: what is kept of it elsewhere goes. */
  forgotten = false;
  /** Its edits: those of this batch, and of a message that is recalled in it all others too. */
  readonly edits: BatchMessage[] = [];
  /** conv_seqs of this batch's events on it. */
  readonly events: number[] = [];
  /** By user and emoji: those that this batch asks for. */
  readonly reactions = new Map<string, BatchReaction>();
  readonly tallies = new Map<string, Tally>();
  readonly #firstBody: Uint8Array;

  constructor(message: Message, isNew: boolean) {
    this.msgId = message.msgId;
    this.conversationId = message.conversationId;
    this.convSeq = message.convSeq;
    this.senderId = message.senderId;
    this.clientMsgId = message.clientMsgId;
    this.kind = message.kind;
    this.serverTimeMs = message.serverTimeMs;
    this.countNo = message.countNo;
    this.body = message.body;
    this.#firstBody = message.body;
    this.isNew = isNew;
  }

  get isRewritten(): boolean {
    return !this.isNew && this.body !== this.#firstBody;
  }

  reaction(userId: bigint, emoji: string): BatchReaction {
    const key = `${userId} ${emoji}`;
    const found = this.reactions.get(key) ?? { userId, emoji, before: false, seq: 0 };
    this.reactions.set(key, found);
    return found;
  }

  /** As read from the database: somebody has reacted so. */
  hasReaction(userId: bigint, emoji: string): void {
    this.reactions.set(`${userId} ${emoji}`, { userId, emoji, before: true, seq: Number.MAX_SAFE_INTEGER });
  }
}

export interface Mention {
  readonly conversationId: bigint;
  readonly userId: bigint;
  readonly convSeq: number;
  readonly senderId: bigint;
}

/** What an earlier message under the same client_msg_id was answered. */
export interface Earlier {
  readonly msgId: bigint;
  readonly convSeq: number;
  readonly countNo: number;
  readonly serverTimeMs: number;
}

/** The rows that a batch reads and changes, in memory, for the time of its transaction. */
export class BatchRows {
  readonly conversations = new Map<bigint, BatchConversation>();
  readonly created: BatchMessage[] = [];
  readonly mentions: Mention[] = [];
  readonly #messages = new Map<string, BatchMessage>();
  readonly #earlier = new Map<string, Earlier>();

  conversation(conversationId: bigint): BatchConversation | undefined {
    return this.conversations.get(storedId(conversationId));
  }

  message({ conversationId }: { readonly conversationId: bigint }, convSeq: number): BatchMessage | undefined {
    return this.#messages.get(`${conversationId}/${convSeq}`);
  }

  /** Of those that were there before, and those created: what something refers to. */
  get messages(): IterableIterator<BatchMessage> {
    return this.#messages.values();
  }

  add(message: BatchMessage): void {
    this.#messages.set(`${message.conversationId}/${message.convSeq}`, message);
  }

  earlier(
    { conversationId }: { readonly conversationId: bigint },
    senderId: bigint,
    clientMsgId: Uint8Array,
  ): Earlier | undefined {
    return this.#earlier.get(clientKey(conversationId, senderId, clientMsgId));
  }

  addEarlier(conversationId: bigint, senderId: bigint, clientMsgId: Uint8Array, earlier: Earlier): void {
    this.#earlier.set(clientKey(conversationId, senderId, clientMsgId), earlier);
  }

  /** At the head. `counts`: 1 for a post, which counts as unread and is shown. */
  store(conversation: BatchConversation, member: BatchMember, request: AppendRequest, counts: 0 | 1): BatchMessage {
    conversation.headSeq += 1;
    conversation.headCountNo += counts;
    if (counts === 1) conversation.lastShownSeq = conversation.headSeq;
    conversation.lastActivityMs = Math.max(conversation.lastActivityMs, request.serverTimeMs);
    const message = new BatchMessage(
      {
        msgId: storedId(request.msgId),
        conversationId: conversation.conversationId,
        convSeq: conversation.headSeq,
        senderId: member.userId,
        clientMsgId: request.clientMsgId,
        kind: request.kind,
        body: request.body,
        serverTimeMs: request.serverTimeMs,
        countNo: conversation.headCountNo,
      },
      true,
    );
    this.created.push(message);
    this.add(message);
    this.addEarlier(conversation.conversationId, member.userId, request.clientMsgId, message);
    return message;
  }
}

function clientKey(conversationId: bigint, senderId: bigint, clientMsgId: Uint8Array): string {
  const hex = Buffer.from(clientMsgId.buffer, clientMsgId.byteOffset, clientMsgId.byteLength).toString('hex');
  return `${conversationId}/${senderId}/${hex}`;
}
